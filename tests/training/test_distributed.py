"""Training on Ray Train gives what training in one process gives, whatever happens to a worker."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ray import cloudpickle
from torch import distributed, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from graticule.core.errors import ConfigError, InputError, StorageError
from graticule.models.architecture import NetworkConfig
from graticule.training.distributed.executor import OnRayTrain
from graticule.training.distributed.feed import ray_feed
from graticule.training.distributed.mailbox import Joined, Once, Resumed
from graticule.training.distributed.store import check_record
from graticule.training.distributed.team import shared_by, team_of
from graticule.training.events import EpochDone, StepDone
from graticule.training.examples import Example, Source
from graticule.training.feed import local_feed
from graticule.training.job import CropMaker, Job, run_job
from graticule.training.learner import Learner
from graticule.training.recipe import Clips, Recipe, TrackerRecipe
from graticule.training.sequences.job import TrackerJob
from graticule.training.state import RAY_RECORD, state_store
from local_ray import local_ray
from threads import one_thread  # noqa: F401

RECIPE = Recipe(network="yolov8n-seg", size=32, batch=4, slots=2, epochs=3, steps=6, warmup=3, seed=5)
TRACKER = TrackerRecipe(
    network="deaot-t", size=49, batch=4, slots=2, epochs=1, steps=2, warmup=0, clips=Clips(frames=2)
)


class Spots(Source):
    name = "spots"

    def __len__(self) -> int:
        return 8

    def group(self, index: int) -> str:
        return str(index)

    def load(self, index: int) -> Example:
        rng = np.random.default_rng(index)
        labels = np.zeros((48, 48), np.int32)
        labels[8:20, 8:20], labels[28:40, 24:36] = 1, 2
        image = np.where(labels > 0, 0.2, 0.8) + 0.1 * rng.standard_normal(labels.shape)
        return Example(image=image.clip(0, 1).astype(np.float32), labels=labels, parted=True)

    def digest(self) -> str:
        return "spots"


class Unreadable(Spots):
    def load(self, index: int) -> Example:
        raise InputError(f"image_{index}.png: cannot be read")


@dataclass(frozen=True, kw_only=True)
class Death:
    """A worker kills itself at a step, once: what it leaves behind says that it has."""

    rank: int
    step: int
    done: Path

    def comes(self, step: int) -> bool:
        return distributed.get_rank() == self.rank and step == self.step and not self.done.exists()


class TwoLayers(Learner):
    """Has what makes workers differ: batch statistics, and chance."""

    def __init__(self, death: Death | None = None) -> None:
        super().__init__()
        self.network = nn.Sequential(
            nn.Conv2d(1, 4, 3, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(4, 1, 1),
        )
        self.config = NetworkConfig()
        self.death, self.calls = death, 0

    def forward(self, batch):
        self.calls += 1
        if self.death is not None and self.death.comes(self.calls):
            self.death.done.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        loss = binary_cross_entropy_with_logits(
            self.network(batch.images), (batch.labels > 0).float()[:, None]
        )
        return loss, {"entropy": loss.detach()}


@dataclass(frozen=True, kw_only=True)
class TinyJob(Job):
    """Trains two layers, and may lose a worker on the way."""

    death: Death | None = None

    def learner(self) -> Learner:
        torch.manual_seed(self.recipe.seed)
        return TwoLayers(self.death)

    def validation(self, device: torch.device | str = "cpu"):
        return lambda network: {"score": float(sum(p.abs().sum() for p in network.parameters()))}


cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import tests


def job(out: Path, *, source: Source | None = None, recipe: Recipe = RECIPE, **more) -> TinyJob:
    sources = (source or Spots(),)
    return TinyJob(
        recipe=recipe,
        sources=sources,
        shares=(1.0,),
        train=(range(6),),
        held_sources=sources,
        held=(range(6, 8),),
        start_sha256=None,
        identity="spots",
        out=str(out),
        **more,
    )


def tracker_job(out: Path) -> TrackerJob:
    source = Spots()
    return TrackerJob(
        recipe=TRACKER,
        sources=(source,),
        shares=(1.0,),
        train=(range(6),),
        held_sources=(source,),
        held=(range(6, 7),),
        start_sha256=None,
        identity="spots",
        out=str(out),
    )


@dataclass(frozen=True)
class Followed:
    """How a training went, as a listener heard it."""

    weights: dict[str, torch.Tensor]
    steps: list[StepDone]
    epochs: list[EpochDone]
    hardware: str


def followed(run, job: Job) -> Followed:
    events: list = []
    trained = run(job, events.append)
    steps = [event for event in events if isinstance(event, StepDone)]
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert list(trained.history)[len(trained.history) - len(epochs) :] == epochs
    return Followed(trained.network.state_dict(), steps, epochs, trained.hardware)


def alone(job: Job, listen):
    return run_job(job, listen=listen)


def assert_same(one: Followed, other: Followed, *, within: float) -> None:
    assert [step.step for step in one.steps] == [step.step for step in other.steps]
    assert [s.loss for s in one.steps] == pytest.approx([s.loss for s in other.steps], abs=within)
    assert_same_weights(one, other, within=within)


def assert_same_weights(one: Followed, other: Followed, *, within: float) -> None:
    assert one.weights.keys() == other.weights.keys()
    for name, value in one.weights.items():
        torch.testing.assert_close(value, other.weights[name], atol=within, rtol=0)


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    with local_ray(cpus=2):
        yield


@pytest.fixture(scope="module")
def by_one(tmp_path_factory) -> Followed:
    return followed(alone, job(tmp_path_factory.mktemp("one")))


@pytest.fixture(scope="module")
def by_two(ray, tmp_path_factory) -> Followed:
    return followed(OnRayTrain(workers=2), job(tmp_path_factory.mktemp("two")))


@pytest.mark.slow
def test_two_workers_learn_what_one_process_learns_from_the_same_slots(by_one, by_two):
    assert_same(by_two, by_one, within=1e-4)
    assert re.fullmatch(r"2 workers on Ray: 2 on .* cores, 1 threads", by_two.hardware)


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "save_every"), [(0, None), (1, 4)])
def test_a_worker_killed_in_mid_epoch_is_replaced_and_nothing_is_told_twice(
    by_two, tmp_path, rank, save_every
):
    death = Death(rank=rank, step=11, done=tmp_path / "died")
    train = OnRayTrain(workers=2, save_every=save_every)
    assert_same(followed(train, job(tmp_path / "run", death=death)), by_two, within=1e-6)
    assert death.done.exists()


@pytest.mark.slow
def test_a_run_whose_driver_failed_goes_on_when_it_is_repeated(by_one, ray, tmp_path):
    def fail_after_an_epoch(event) -> None:
        if isinstance(event, EpochDone):
            raise OSError("the log is full")

    train = OnRayTrain(workers=1)
    with pytest.raises(OSError, match="the log is full"):
        train(job(tmp_path), fail_after_an_epoch)
    again = followed(train, job(tmp_path))
    assert again.steps[0].step > RECIPE.steps
    assert_same_weights(again, by_one, within=1e-6)
    over = followed(train, job(tmp_path))  # a driver killed before it had written the result
    assert (over.steps, over.epochs) == ([], [])
    assert_same_weights(over, by_one, within=1e-6)


@pytest.mark.slow
def test_what_one_process_began_a_worker_finishes(by_one, ray, tmp_path):
    class Enough(Exception):
        pass

    def stop_after_an_epoch(event) -> None:
        if isinstance(event, EpochDone):
            raise Enough

    begun = job(tmp_path)
    with pytest.raises(Enough):
        run_job(begun, store=state_store(begun), listen=stop_after_an_epoch)
    again = followed(OnRayTrain(), begun)
    assert again.steps[0].step == RECIPE.steps + 1
    assert_same_weights(again, by_one, within=1e-6)


@pytest.mark.slow
def test_a_file_that_a_worker_cannot_read_ends_the_run_with_its_own_words(ray, tmp_path):
    with pytest.raises(InputError, match=r"^image_\d.png: cannot be read$"):
        OnRayTrain(workers=1)(job(tmp_path, source=Unreadable()))


@pytest.mark.slow
@pytest.mark.parametrize("makers", [0, 2])
def test_ray_data_gives_the_batches_that_a_worker_would_make_itself(ray, tmp_path, makers):
    made = job(tmp_path)
    share = {"slots": 4, "rank": 1, "workers": 2}
    crops = CropMaker(made.sources, made.recipe)
    plain, on_ray = (
        local_feed(made.plan(), crops, **share),
        ray_feed(made.plan(), crops, **share, makers=makers),
    )
    for one, other in zip(plain(1, 2), on_ray(1, 2), strict=True):
        for slot, same in zip(one, other, strict=True):
            assert all(torch.equal(part, twin) for part, twin in zip(slot, same, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("makers", [0, 2])
def test_ray_data_gives_the_clips_that_a_worker_would_make_itself(ray, tmp_path, makers):
    made = tracker_job(tmp_path)
    plain, on_ray = (
        local_feed(made.plan(), made.maker(), slots=2),
        ray_feed(made.plan(), made.maker(), slots=2, makers=makers),
    )
    for one, other in zip(plain(0, 0), on_ray(0, 0), strict=True):
        for slot, same in zip(one, other, strict=True):
            assert all(torch.equal(part, twin) for part, twin in zip(slot, same, strict=True))


@pytest.mark.slow
def test_two_workers_teach_a_tracker_what_one_process_teaches_it(ray, tmp_path):
    by_one = followed(alone, tracker_job(tmp_path / "one"))
    by_two = followed(OnRayTrain(workers=2), tracker_job(tmp_path / "two"))
    assert_same(by_two, by_one, within=1e-3)
    assert by_two.epochs[-1].metrics == pytest.approx(by_one.epochs[-1].metrics, abs=0.02)


def test_nothing_is_fed_when_all_steps_are_done(tmp_path):
    made = job(tmp_path)
    assert not list(ray_feed(made.plan(), CropMaker(made.sources, made.recipe), slots=2)(0, RECIPE.steps))


def test_a_network_takes_a_worker_for_each_gpu_and_vmamba_one():
    cluster = {"CPU": 16.0, "GPU": 4.0}
    size = lambda name, **ask: team_of(name, cluster, **{"workers": None, "use_gpu": True, **ask}).size  # noqa: E731
    assert (size("swin-unet"), size("swin-unet", use_gpu=False)) == (4, 1)
    assert (size("vmamba"), size("vmamba", workers=2)) == (1, 2)


@pytest.mark.parametrize(
    ("cluster", "said"),
    [
        (
            {"CPU": 8.0, "GPU": 2.0},
            "3 workers need a GPU each, and the Ray cluster has 2; ask for --workers 2",
        ),
        ({"CPU": 8.0}, "no node of the Ray cluster has a GPU; leave --use-gpu out to train on CPUs"),
    ],
)
def test_gpus_that_are_not_there_are_refused(cluster, said):
    with pytest.raises(ConfigError) as refused:
        team_of("swin-unet", cluster, workers=3, use_gpu=True)
    assert str(refused.value) == said


@given(slots=st.integers(1, 8), workers=st.integers(1, 8), each=st.integers(1, 4))
def test_slots_are_raised_to_what_workers_share_evenly_or_the_batch_is_refused(slots, workers, each):
    recipe = RECIPE.model_copy(update={"slots": slots, "batch": slots * each})
    try:
        shared = shared_by(recipe, workers).slots
    except ConfigError as error:
        fitting = int(re.search(r"--batch (\d+)", str(error))[1])
        shared = shared_by(recipe.model_copy(update={"batch": fitting}), workers).slots
        assert fitting > recipe.batch
        assert fitting % shared == 0
    assert shared % workers == 0
    assert slots <= shared < slots + workers


def epoch(number: int) -> EpochDone:
    return EpochDone(epoch=number, epochs=9, step=number, losses={}, metrics={}, best=True, seconds=0.0)


def test_an_epoch_that_a_lost_worker_kept_but_did_not_tell_is_told_by_the_next():
    told: list = []
    tell = Once(told.append)
    for letter in (
        Resumed((epoch(1),)),
        epoch(2),
        Resumed((epoch(1), epoch(2), epoch(3))),
        epoch(3),
        epoch(4),
    ):
        tell(letter)
    assert told == [epoch(2), epoch(3), epoch(4)]


def test_of_each_worker_the_last_machine_counts():
    tell = Once(None)
    for letter in (Joined(0, "a card"), Joined(1, "another"), Joined(1, "a card")):
        tell(letter)
    assert tell.machines == {0: "a card", 1: "a card"}


@pytest.mark.parametrize(
    "record", ["", '{"checkpoint_re', '{"checkpoint_results": [{"checkpoint_dir_name": "c"}]}']
)
def test_a_state_that_is_not_whole_is_named_and_not_taken_for_none(tmp_path, record):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / RAY_RECORD).write_text(record)
    with pytest.raises(StorageError, match=f"is not there; delete {tmp_path}/state to begin anew$"):
        check_record(str(tmp_path))


def test_where_nothing_was_begun_no_state_is_missed(tmp_path):
    check_record(str(tmp_path / "new"))
