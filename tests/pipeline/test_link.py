"""How a movie is cut into the runs of frames that are linked."""

import numpy as np
import pytest

from graticule.core.calibration import Calibration
from graticule.pipeline.link import OBSERVE_BYTES, observe_spans
from graticule.storage.experiment import Experiment


@pytest.fixture
def made(tmp_path):
    def make(frames: int, edge: int) -> Experiment:
        return Experiment.create(
            str(tmp_path / f"{edge}.ome.zarr"),
            name="movie",
            shape=(frames, edge, edge),
            dtype=np.uint8,
            calibration=Calibration(),
        )

    return make


@pytest.mark.parametrize("edge", [64, 512, 1024, 2048, 4096, 8192])
def test_every_frame_is_observed_in_runs_that_fit_into_memory(made, edge):
    spans = observe_spans(made(100, edge))
    assert [t for span in spans for t in range(span.start, span.stop)] == list(range(100))
    assert all(span.frames == 1 or 4 * edge**2 * span.frames <= OBSERVE_BYTES for span in spans)


def test_large_frames_are_not_observed_one_by_one(made):
    assert len(observe_spans(made(100, 2048))) == 13
