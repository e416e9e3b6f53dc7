"""What is learnt depends on recipe and data alone, whatever happens on the way."""

from collections.abc import Iterator, Mapping
from math import nan
from pathlib import Path

import pytest
import torch

from graticule.core.errors import ConfigError
from graticule.models.architecture import NetworkConfig
from graticule.training.batch import Batch
from graticule.training.events import EpochDone, StepDone, TrainingEvent
from graticule.training.learner import Learner
from graticule.training.loop import SCORE, Feed, Trained, fit
from graticule.training.recipe import Recipe
from graticule.training.stepper import MOST_SKIPPED
from graticule.training.stores import Folder
from threads import one_thread  # noqa: F401
from training.tiny import EVERY, batch_of, feed_of, learner_of, recipe_of

SIZE = 32


class Stopped(Exception):
    """Stands for the end of a process."""


class Spots(Learner):
    """One convolution and its statistics: the cheapest that has all that a network can have."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.config = NetworkConfig()
        self.network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, padding=1),
            torch.nn.BatchNorm2d(4),
            torch.nn.Dropout(0.2),
            torch.nn.Conv2d(4, 1, 1),
        )

    def forward(self, batch: Batch) -> tuple[torch.Tensor, Mapping[str, torch.Tensor]]:
        told = self.network(batch.images)[:, 0]
        loss = torch.nn.functional.binary_cross_entropy_with_logits(told, (batch.labels > 0).float())
        return loss, {"entropy": loss.detach()}


class Plain(Spots):
    """Without statistics of a batch, and without chance."""

    def __init__(self) -> None:
        super().__init__()
        self.network = torch.nn.Sequential(self.network[0], self.network[3])


def recipe(**changes) -> Recipe:
    usual = {"network": "vmamba", "size": SIZE, "batch": 4, "slots": 2, "epochs": 3, "steps": 4, "warmup": 2}
    return Recipe.model_validate({**usual, **changes})


class Diary:
    """A listener that remembers, and can stop the run after some steps."""

    def __init__(self, *, until: int | None = None) -> None:
        self.steps: list[StepDone] = []
        self.epochs: list[EpochDone] = []
        self.until = until

    def __call__(self, event: TrainingEvent) -> None:
        if isinstance(event, EpochDone):
            self.epochs.append(event)
            return
        self.steps.append(event)
        if event.step == self.until:
            raise Stopped

    @property
    def losses(self) -> list[float]:
        return [step.loss for step in self.steps]


def foreground_bias(network: torch.nn.Module) -> Mapping[str, float]:
    """Score weights by something that every network has."""
    values = [p.detach().abs().mean() for p in network.parameters()]
    return {SCORE: float(torch.stack(values).mean())}


def killed_and_resumed(make, given: Recipe, folder: Path, *, after: int, **how) -> tuple[Diary, Trained]:
    before, diary = Diary(until=after), Diary()
    store = Folder(folder)
    with pytest.raises(Stopped):
        fit(make(), feed_of(given), given, store=store, listen=before, **how)
    trained = fit(make(), feed_of(given), given, store=store, listen=diary, **how)
    kept = before.steps[: diary.steps[0].step - 1]
    diary.steps, diary.epochs = kept + diary.steps, list(trained.history)
    return diary, trained


def assert_alike(one: tuple[Diary, Trained], other: tuple[Diary, Trained]) -> None:
    assert [s.step for s in one[0].steps] == [s.step for s in other[0].steps]
    assert one[0].losses == pytest.approx(other[0].losses, abs=1e-6)
    for ours, theirs in zip(one[1].history, other[1].history, strict=True):
        assert ours.losses == pytest.approx(theirs.losses, abs=1e-6)
        assert ours.metrics == pytest.approx(theirs.metrics, abs=1e-6)
        assert (ours.best, ours.step) == (theirs.best, theirs.step)
    states = one[1].network.state_dict(), other[1].network.state_dict()
    torch.testing.assert_close(*states, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", EVERY)
def test_a_network_killed_in_mid_epoch_goes_on_as_if_it_had_not_been(name, tmp_path):
    given = recipe_of(name, epochs=2, steps=2)

    def make() -> Learner:
        return learner_of(given)

    whole = Diary()
    how = {"validate": foreground_bias, "save_every": 1}
    trained = fit(make(), feed_of(given), given, listen=whole, **how)
    assert_alike(killed_and_resumed(make, given, tmp_path, after=4, **how), (whole, trained))


@pytest.mark.parametrize("after", range(1, 13))
@pytest.mark.parametrize("save_every", [1, 3, None])
def test_a_run_may_be_killed_after_any_step(after, save_every, tmp_path):
    whole, how = Diary(), {"validate": foreground_bias, "save_every": save_every}
    trained = fit(Spots(), feed_of(recipe()), recipe(), listen=whole, **how)
    again = killed_and_resumed(Spots, recipe(), tmp_path, after=after, **how)
    assert_alike(again, (whole, trained))


def test_a_finished_run_is_not_made_again(tmp_path):
    first = fit(Spots(), feed_of(recipe()), recipe(), store=Folder(tmp_path))
    diary = Diary()
    second = fit(Spots(), feed_of(recipe()), recipe(), store=Folder(tmp_path), listen=diary)
    assert diary.steps == []
    assert second.history == first.history
    torch.testing.assert_close(second.network.state_dict(), first.network.state_dict(), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("changes", "identity", "said"), [({"seed": 1}, "", "another recipe"), ({}, "b", "other data")]
)
def test_a_run_does_not_go_on_with_another_recipe_or_data(changes, identity, said, tmp_path):
    fit(Spots(), feed_of(recipe()), recipe(), store=Folder(tmp_path))
    with pytest.raises(ConfigError, match=said):
        fit(
            Spots(),
            feed_of(recipe(**changes)),
            recipe(**changes),
            store=Folder(tmp_path),
            identity=identity,
        )


@pytest.mark.parametrize("slots", [1, 4])
def test_without_batch_statistics_the_number_of_slots_does_not_matter(slots):
    states = []
    for count in (2, slots):
        given = recipe(slots=count)
        feed = _same_images(given)
        states.append(fit(Plain(), feed, given).network.state_dict())
    torch.testing.assert_close(*states, atol=1e-5, rtol=0)


def _same_images(given: Recipe) -> Feed:
    """The same images of a step, however many slots they are cut into."""

    def feed(epoch: int, done: int) -> Iterator[list[Batch]]:
        for step in range(done, given.steps):
            whole, size = batch_of(SIZE, 10 * epoch + step, given.batch), given.batch // given.slots
            yield [Batch(*(part[k : k + size] for part in whole)) for k in range(0, given.batch, size)]

    return feed


def _with_nan(given: Recipe, broken: range) -> Feed:
    healthy = feed_of(given)

    def feed(epoch: int, done: int) -> Iterator[list[Batch]]:
        for step, (one, *others) in enumerate(healthy(epoch, done), start=epoch * given.steps + done):
            images = torch.full_like(one.images, nan) if step in broken else one.images
            yield [one._replace(images=images), *others]

    return feed


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_step_that_is_not_finite_changes_nothing(precision):
    given = recipe(epochs=1, steps=3, precision=precision)
    learner, seen = Spots(), []

    def note(event: TrainingEvent) -> None:
        if isinstance(event, StepDone):
            seen.append((event.skipped, {k: v.clone() for k, v in learner.state_dict().items()}))

    trained = fit(learner, _with_nan(given, range(1, 2)), given, listen=note)
    (_, before), (skipped, after), (_, later) = seen
    assert [skipped for skipped, _ in seen] == [False, True, False]
    assert skipped
    torch.testing.assert_close(after, before, atol=0, rtol=0)
    assert not torch.equal(later["network.0.weight"], after["network.0.weight"])
    assert trained.history[0].losses["loss"] == trained.history[0].losses["loss"]  # no NaN


def test_a_run_that_stays_infinite_ends_with_one_line():
    given = recipe(epochs=1, steps=MOST_SKIPPED + 5)
    diary = Diary()
    with pytest.raises(ConfigError, match="21 steps in a row, up to step 21; take a smaller learning_rate"):
        fit(Spots(), _with_nan(given, range(100)), given, listen=diary)
    assert len(diary.steps) == MOST_SKIPPED


def test_the_guard_counts_on_after_a_kill(tmp_path):
    given = recipe(epochs=1, steps=MOST_SKIPPED + 5)
    feed, store = _with_nan(given, range(100)), Folder(tmp_path)
    with pytest.raises(Stopped):
        fit(Spots(), feed, given, store=store, save_every=1, listen=Diary(until=15))
    diary = Diary()
    with pytest.raises(ConfigError, match="21 steps in a row"):
        fit(Spots(), feed, given, store=store, listen=diary)
    assert diary.steps[-1].step == MOST_SKIPPED


def _scores(*values: float):
    """Give one score after the other, by how often the weights were looked at."""
    left = list(values)
    return lambda _: {SCORE: left.pop(0)}


def test_the_best_weights_are_those_of_the_best_score():
    given, diary, weights = recipe(), Diary(), []

    def validate(network: torch.nn.Module) -> Mapping[str, float]:
        weights.append({k: v.clone() for k, v in network.state_dict().items()})
        return {SCORE: [0.3, 0.8, 0.5][len(weights) - 1], "other": 1.0}

    trained = fit(Spots(), feed_of(given), given, validate=validate, listen=diary)
    assert trained.best_epoch == 2
    assert trained.metrics == {SCORE: 0.8, "other": 1.0}
    assert [epoch.best for epoch in diary.epochs] == [True, True, False]
    torch.testing.assert_close(trained.network.state_dict(), weights[1], atol=0, rtol=0)


def test_training_stops_after_patience_epochs_without_a_better_score():
    given = recipe(epochs=9, patience=2)
    trained = fit(Spots(), feed_of(given), given, validate=_scores(0.1, 0.4, 0.4, 0.3, 0.9))
    assert len(trained.history) == 4
    assert trained.stopped_early
    assert trained.best_epoch == 2


def test_patience_counts_on_after_a_kill(tmp_path):
    given, store = recipe(epochs=9, patience=2), Folder(tmp_path)
    with pytest.raises(Stopped):
        fit(Spots(), feed_of(given), given, validate=_scores(0.5, 0.4), store=store, listen=Diary(until=9))
    trained = fit(Spots(), feed_of(given), given, validate=_scores(0.3, 0.9), store=store)
    assert [epoch.metrics[SCORE] for epoch in trained.history] == [0.5, 0.4, 0.3]
    assert trained.stopped_early


def test_a_score_that_is_not_a_number_is_never_the_best_but_for_want_of_another():
    given = recipe()
    trained = fit(Spots(), feed_of(given), given, validate=_scores(nan, 0.2, nan))
    assert trained.best_epoch == 2
    assert fit(Spots(), feed_of(given), given, validate=_scores(nan, nan, nan)).best_epoch == 1


def test_without_validation_the_last_weights_are_taken():
    trained = fit(Spots(), feed_of(recipe()), recipe())
    assert trained.best_epoch == 3
    assert trained.metrics == {}
    assert not trained.stopped_early


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_training_lessens_the_loss_in_every_precision(precision):
    given, diary = recipe(epochs=1, steps=40, learning_rate=0.01, precision=precision), Diary()
    fit(Spots(), feed_of(given), given, listen=diary)
    assert sum(diary.losses[-5:]) < 0.7 * sum(diary.losses[:5])


def test_events_tell_steps_rates_and_seconds():
    given, diary = recipe(), Diary()
    fit(Spots(), feed_of(given), given, listen=diary)
    assert [step.step for step in diary.steps] == list(range(1, 13))
    assert {step.steps for step in diary.steps} == {12}
    assert [step.epoch for step in diary.steps] == [1] * 4 + [2] * 4 + [3] * 4
    assert diary.steps[1].learning_rate == given.learning_rate
    assert all(step.images_per_second > 0 and step.gradient_norm > 0 for step in diary.steps)
    for epoch in diary.epochs:
        own = [step.loss for step in diary.steps if step.epoch == epoch.epoch]
        assert epoch.losses["loss"] == pytest.approx(sum(own) / 4)
    assert diary.epochs[0].seconds < diary.epochs[-1].seconds
