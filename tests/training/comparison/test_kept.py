"""A comparison that was interrupted measures only those that are missing."""

import shutil

import pytest

from graticule.core.errors import ConfigError
from graticule.training.comparison import Asked, compare, compare_in_mlflow, entrants_of
from graticule.training.comparison.apart import here
from graticule.training.sources import open_source
from random_weights import tiny_swin
from threads import one_thread  # noqa: F401


class Counting:
    """Does works here, and ends after so many as Ctrl-C does."""

    def __init__(self, most=99):
        self.most, self.names = most, []

    def __call__(self, works):
        for work, measured in zip(works, here(works), strict=True):
            self.names.append(work.entrant.network)
            yield measured
            if len(self.names) == self.most:
                raise KeyboardInterrupt


def again(out, data, weights, execute, *, more=(), **how):
    sources = [open_source(str(data))]
    entrants = entrants_of([f"swin-unet={file}" for file in (weights, *more)])
    return compare(sources, entrants, out, Asked(threads=1), execute=execute, **how)


@pytest.fixture
def interrupted(tmp_path, masks, swin):
    """The folder of a comparison in which threshold was measured, and its weights."""
    weights = shutil.copyfile(swin, tmp_path / "tiny.safetensors")
    with pytest.raises(KeyboardInterrupt):
        again(tmp_path / "out", masks, weights, Counting(1))
    assert not (tmp_path / "out").exists()
    return tmp_path / "out", weights


def test_only_who_is_missing_is_measured(interrupted, masks):
    out, weights = interrupted
    rest = Counting()
    done = again(out, masks, weights, rest)
    assert rest.names == ["swin-unet"]
    fresh = again(out, masks, weights, here, overwrite=True)
    for old, new in zip(done.measured, fresh.measured, strict=True):
        assert [s.metrics for s in old.scores[0]] == [s.metrics for s in new.scores[0]]
    assert len(done.comparison.datasets[0].panels) == 2
    assert not list(out.parent.glob("*unfinished*")), "what was kept is removed in the end"


def test_other_weights_in_the_same_place_are_measured(interrupted, masks, swin):
    out, weights = interrupted
    with pytest.raises(KeyboardInterrupt):
        again(out, masks, weights, Counting(1), more=[swin])
    tiny_swin(weights, seed=1)
    rest = Counting()
    again(out, masks, weights, rest)
    assert rest.names == ["swin-unet"]


def test_an_mlflow_that_goes_away_leaves_the_comparison_and_is_told_later(tmp_path, masks, swin, monkeypatch):
    def pulled(works):
        done = list(here(works))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        yield from done

    def go(execute, **how):
        sources, entrants = [open_source(str(masks))], entrants_of(["threshold"])
        asked = Asked(threads=1)
        return compare_in_mlflow(
            sources, entrants, tmp_path / "out", asked, alias=True, execute=execute, **how
        )

    with pytest.raises(
        ConfigError, match=r"does not answer .*the comparison is done and lies in .*--overwrite"
    ):
        go(pulled)
    assert (tmp_path / "out" / "index.html").is_file()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    rest = Counting()
    go(rest, overwrite=True)
    assert rest.names == []
