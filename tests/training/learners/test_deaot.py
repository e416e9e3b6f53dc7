"""DeAOT learns frame after frame."""

import pytest
import torch

from graticule.core.errors import ConfigError
from graticule.tracking.deaot import DeAOT, DeAOTConfig
from graticule.training.learner import learner
from graticule.training.learners.deaot import NEAR_TOKENS
from graticule.training.sequences.known import IGNORED
from threads import one_thread  # noqa: F401
from training.drawn_clips import clip_batch_of
from training.tiny import learner_of, recipe_of


@pytest.mark.parametrize("frames", [2, 4])
def test_every_parameter_gets_a_gradient_whatever_the_length_of_the_clip(frames):
    made = learner_of(recipe_of("deaot-t"))
    made.train()
    loss, _ = made(clip_batch_of(65, 1, frames=frames))
    loss.backward()
    without = [name for name, p in made.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []
    assert all(p.grad.isfinite().all() for p in made.parameters() if p.grad is not None)


def test_a_call_hangs_on_torchs_generator_alone():
    made, batch = learner_of(recipe_of("deaot-t")), clip_batch_of(65, 1, frames=4)
    told = []
    for _ in range(2):
        torch.manual_seed(5)
        told.append(made(batch)[0].item())
    assert told[0] == told[1]


def test_what_the_first_frame_should_have_been_is_not_asked():
    made, batch = learner_of(recipe_of("deaot-t")), clip_batch_of(65, 1)
    blank = batch.target.clone()
    blank[:, 0] = IGNORED
    losses = []
    for target in (batch.target, blank):
        torch.manual_seed(0)
        losses.append(made(batch._replace(target=target))[0].item())
    assert losses[0] == losses[1]


def test_some_steps_teach_which_slot_is_whose():
    made, batch = learner_of(recipe_of("deaot-t")), clip_batch_of(65, 3, 4)
    made.train()
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-3)
    whose = []
    for _ in range(40):
        torch.manual_seed(0)
        loss, parts = made(batch)
        whose.append(parts["whose"].item())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), 5.0)
        optimizer.step()
    assert whose[0] > 2
    assert whose[-1] < 1


def test_from_scratch_a_token_looks_at_its_own_place_in_the_frame_before():
    (layer,) = learner_of(recipe_of("deaot-t")).network.layers
    bias = layer.relative.bias.detach().view(15, 15)
    assert int(bias.argmax()) == 7 * 15 + 7
    assert bias[7, 9] - bias[7, 7] == pytest.approx(-2 / NEAR_TOKENS**2)


def test_weights_to_start_from_stay_as_they_are():
    torch.manual_seed(0)
    network = DeAOT(DeAOTConfig())
    before = {name: value.clone() for name, value in network.state_dict().items()}
    made = learner(network, recipe_of("deaot-t", start="trained.safetensors"))
    torch.testing.assert_close(made.network.state_dict(), before, atol=0, rtol=0)


def test_a_size_that_makes_no_whole_tokens_is_refused_with_the_nearest_that_does():
    with pytest.raises(ConfigError, match="1 px more than a multiple of 16 px, got 100; give 97"):
        learner_of(recipe_of("deaot-t", size=100))
