import itertools
import json
from dataclasses import dataclass

import pytest

from graticule.core.errors import ConfigError, InputError, StorageError
from graticule.training.comparison.apart import here, one_by_one
from graticule.training.tracker_comparison import Asked, Entrant, compare_trackers, entrants_of
from graticule.training.tracker_comparison.measure import TrackMovies
from graticule.training.tracker_comparison.movies import Making, Segmented, open_movies
from graticule.training.tracker_comparison.segmentations import segmentation_of
from threads import one_thread  # noqa: F401

SMALL = Making(frames=12, size=128, seeds=(1, 2))


def asked(*data: str, **more) -> Asked:
    return Asked(data=data or ("synthetic:easy",), making=SMALL, **more)


def run(out, *data, trackers="laptrack,trackpy", **how):
    more = {name: how.pop(name) for name in ("segmentations", "polarity") if name in how}
    return compare_trackers(entrants_of([trackers]), out, asked(*data, **more), execute=here, **how)


@pytest.fixture(scope="module")
def done(tmp_path_factory, truth):
    """A comparison on two kinds of movies and two segmentations."""
    out = tmp_path_factory.mktemp("compared") / "out"
    return run(out, "synthetic:easy", truth, segmentations=("truth", "threshold"))


def test_every_tracker_is_measured_on_every_movie_with_every_segmentation(done, truth):
    names = [(group.data, group.segmentation, group.movies) for group in done.comparison.groups]
    assert names == [
        ("synthetic:easy", "truth", 2),
        (truth, "truth", 1),
        ("synthetic:easy", "threshold", 2),
        (truth, "threshold", 1),
    ]
    for group in done.comparison.groups:
        assert [row.name for row in group.rows] == ["overlap", "laptrack", "trackpy"]
        assert all(row.frames_per_s > 0 and row.memory_bytes is not None for row in group.rows)


def test_true_instances_of_an_easy_movie_are_tracked_without_a_fault(done):
    for row in done.comparison.groups[0].rows:
        assert {row.means[name].value for name in ("idf1", "hota", "tra", "det", "lnk")} == {1.0}
        assert row.means["switches"].value == 0


def test_a_segmenters_instances_are_not_the_truths(done):
    assert done.comparison.groups[2].rows[0].means["hota"].value < 1


def test_differences_are_to_overlap_movie_by_movie(done):
    overlap, laptrack, _ = done.comparison.groups[0].rows
    assert overlap.differences == {}
    assert laptrack.differences["idf1"].value == 0


def test_page_and_tables_are_written_and_nothing_else_is_left(done):
    assert {path.name for path in done.out.iterdir()} == {"index.html", "table.csv", "comparison.json"}
    assert [path.name for path in done.out.parent.iterdir()] == ["out"]
    held = json.loads((done.out / "comparison.json").read_text("utf-8"))
    assert held["groups"][0]["rows"][0]["means"]["idf1"]["value"] == 1.0


def test_a_process_of_its_own_gives_the_same_figures(tmp_path, truth):
    (movie,) = open_movies(truth, SMALL, tmp_path)
    work = TrackMovies(
        entrant=Entrant(tracker="overlap"), movies=(Segmented(movie=movie, segmentation="truth"),)
    )
    (apart,), (inside,) = list(one_by_one([work])), list(here([work]))
    assert apart.trouble is None
    assert apart.scores[0].figures == inside.scores[0].figures


@dataclass(frozen=True, kw_only=True)
class Stumbling(TrackMovies):
    """A tracker that makes a mistake."""

    def work(self):
        raise ZeroDivisionError("by a mistake of ours")


def test_a_mistake_costs_its_own_row_alone(tmp_path):
    def execute(works):
        stumbling = Stumbling(entrant=works[1].entrant, movies=works[1].movies)
        return one_by_one([works[0], stumbling])

    entrants = entrants_of(["trackpy"])
    done = compare_trackers(entrants, tmp_path / "out", asked(), execute=execute)
    assert done.comparison.groups[0].rows[0].means["idf1"].value == 1.0
    assert done.troubles == ["trackpy: ZeroDivisionError: by a mistake of ours"]


def test_runs_of_frames_share_one_frame_and_cover_the_movie(truth, tmp_path):
    from graticule.training.tracker_comparison.measure import _runs

    movie = Segmented(movie=open_movies(truth, SMALL, tmp_path)[0], segmentation="truth")
    for count in (1, 8, 9, 12):
        runs = [(first, first + len(images)) for first, images, _ in _runs(movie, count)]
        assert runs[0][0] == 0
        assert runs[-1][1] == count
        assert all(before[1] == after[0] + 1 for before, after in itertools.pairwise(runs))


def test_a_segmenter_that_cannot_be_had_is_said_at_once(tmp_path):
    with pytest.raises(InputError, match=r"vmamba .* on easy, seed 1: .*nowhere"):
        run(tmp_path / "out", segmentations=("vmamba=/nowhere/x.safetensors",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"segmentations": ("truth", "truth")}, "given twice"),
        ({"segmentations": ()}, "at least one --segmentations"),
        ({"polarity": "grey"}, "dark, bright, auto"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(more, says):
    with pytest.raises(ConfigError, match=says):
        asked(**more)


def test_a_segmentation_is_one_segmenter():
    assert segmentation_of("truth") is None
    assert segmentation_of("threshold").network == "threshold"
    with pytest.raises(ConfigError, match="names"):
        segmentation_of("all")


def test_another_comparison_is_not_overwritten_unasked(tmp_path):
    run(tmp_path / "out", trackers="overlap")
    with pytest.raises(StorageError, match="--overwrite"):
        run(tmp_path / "out", trackers="overlap")
    run(tmp_path / "out", trackers="overlap", overwrite=True)
