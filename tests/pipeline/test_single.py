"""Single stages of an experiment, by themselves."""

from pathlib import Path

import pytest

from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError
from graticule.core.progress import ignore
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.settings import IngestSettings, LinkSettings, SegmentSettings
from graticule.pipeline.simulate import simulate_experiment
from graticule.pipeline.single import (
    export_experiment,
    ingest_movie,
    link_experiment,
    report_experiment,
    segment_experiment,
)
from movies import sintering_tiff

HOW = {"execute": run_in_process, "listener": ignore}


@pytest.fixture
def ingested(tmp_path: Path) -> str:
    movie = sintering_tiff(tmp_path / "movie.tif", frames=4, size=96)
    return ingest_movie(str(movie), str(tmp_path / "movie.ome.zarr"), IngestSettings(), **HOW).root


def test_stages_run_one_by_one(ingested, tmp_path):
    segment_experiment(ingested, SegmentSettings(), **HOW)
    link_experiment(ingested, LinkSettings(), **HOW)
    report_experiment(ingested, **HOW)
    assert (Path(ingested) / "report" / "index.html").exists()
    assert len(export_experiment(ingested, "csv", str(tmp_path / "csv"))) == 4


def test_a_stage_without_the_one_before_it_says_what_to_run(ingested):
    with pytest.raises(ExperimentError, match="graticule segment"):
        link_experiment(ingested, LinkSettings(), **HOW)


def test_segmenting_anew_discards_what_was_built_on_the_old_instances(ingested, tmp_path):
    segment_experiment(ingested, SegmentSettings(), **HOW)
    link_experiment(ingested, LinkSettings(), **HOW)
    other = SegmentSettings(min_diameter_px=9.0)
    with pytest.raises(ExperimentError, match="--overwrite"):
        segment_experiment(ingested, other, **HOW)
    segment_experiment(ingested, other, overwrite=True, **HOW)
    assert not (Path(ingested) / "tables").exists()
    with pytest.raises(ExperimentError, match="unfinished"):
        export_experiment(ingested, "csv", str(tmp_path / "csv"))


def test_the_truth_is_not_segmented_over(tmp_path):
    truth = simulate_experiment(
        str(tmp_path / "truth.ome.zarr"),
        preset="easy",
        frames=2,
        size=64,
        seed=1,
        calibration=Calibration(),
        listener=ignore,
    )
    with pytest.raises(ExperimentError, match="simulated movie"):
        segment_experiment(truth.root, SegmentSettings(), **HOW)
