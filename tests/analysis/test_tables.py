import numpy as np
import pytest

from graticule.analysis.bodies import measure_bodies
from graticule.analysis.tables import edges, events_table, frames_table, particles_table, tracks_table
from graticule.core.calibration import Calibration
from graticule.core.lineage import Event
from graticule.storage.schemas import table_schema

MOVIE = (
    ".......\n.aa.bb.\n.aa.bb.\n.......",
    ".......\n.aabb..\n.aabb..\n.......",
    ".......\n..cccc.\n..cccc.\nd......",
    ".......\n...cccc\n...cccc\n.......",
)
KNOWN = Calibration(pixel_size_nm=0.5, frame_interval_s=2.0)
MERGE = Event(
    kind="merge", frame=2, parents=(1, 2), children=(3,), y_px=1.5, x_px=3.5, at_border=False, confidence=0.9
)
APPEAR = Event(
    kind="appear", frame=2, parents=(), children=(4,), y_px=3.0, x_px=0.0, at_border=True, confidence=1.0
)


def drawn(text):
    return np.array([[0 if c == "." else ord(c) - 96 for c in row] for row in text.split()], np.uint32)


def tables(calibration=KNOWN):
    labels = np.stack([drawn(text) for text in MOVIE])
    rows = measure_bodies(labels, labels, labels.astype(np.uint8))
    source, time = np.arange(10, 18, 2), np.arange(4) * 2.0
    dates = {"calibration": calibration, "source_frame": source}
    dates["time_s"] = time if calibration.frame_interval_s else None
    drift = np.stack([np.zeros(4), np.arange(4.0)], axis=1)
    found = {"particles": particles_table(rows, **dates)}
    found["events"] = events_table((APPEAR, MERGE), **dates)
    found["frames"] = frames_table(
        found["particles"], drift_px=drift, shape=(4, 7), flags={3: ("blank",)}, **dates
    )
    found["tracks"] = tracks_table(
        found["particles"], found["events"], found["frames"], calibration=calibration
    )
    return found


@pytest.mark.parametrize("calibration", [KNOWN, Calibration()])
def test_tables_have_the_schema_of_the_store(calibration):
    calibrated = calibration.pixel_size_nm is not None
    for name, table in tables(calibration).items():
        assert table.schema.equals(table_schema(name, calibrated=calibrated)), name


def test_particles_are_numbered_by_frame_then_track():
    particles = tables()["particles"]
    assert particles["particle"].to_pylist() == list(range(7))
    assert particles["frame"].to_pylist() == [10, 10, 12, 12, 14, 14, 16]
    assert particles["track"].to_pylist() == [1, 2, 1, 2, 3, 4, 3]
    assert particles["time_s"].to_pylist() == [0, 0, 2, 2, 4, 4, 6]


def test_calibrated_twins_are_in_nm():
    particles = tables()["particles"]
    assert particles["area_nm2"].to_pylist()[0] == 4 * 0.25
    assert particles["y_nm"].to_pylist()[0] == 1.5 * 0.5


def test_unknown_time_is_null():
    assert tables(Calibration())["events"]["time_s"].null_count == 2


def test_a_merge_has_two_edges_into_the_child():
    found = tables()
    assert edges(found["particles"], found["events"]).tolist() == [[0, 2], [1, 3], [2, 4], [3, 4], [4, 6]]


def test_tracks_know_parents_children_and_border():
    tracks = tables()["tracks"].to_pydict()
    assert tracks["parents"] == [[], [], [1, 2], []]
    assert tracks["children"] == [[3], [3], [], []]
    assert tracks["starts_at_border"] == [False, False, False, True]
    assert tracks["ends_at_border"] == [False, False, True, True]
    assert tracks["frames_seen"] == [2, 2, 2, 1]


def test_paths_are_free_of_drift():
    assert tables()["tracks"]["path_length_px"].to_pylist() == [1.0, 2.0, 0.0, 0.0]


def test_frames_without_particles_are_rows_too():
    rows = measure_bodies(*(np.zeros((2, 4, 4), np.uint32),) * 3)
    dates = {"calibration": KNOWN, "source_frame": np.arange(2), "time_s": None}
    particles = particles_table(rows, **dates)
    frames = frames_table(particles, drift_px=np.zeros((2, 2)), shape=(4, 4), **dates)
    assert frames["particles"].to_pylist() == [0, 0]
    assert frames["mean_equivalent_diameter_nm"].to_pylist() == [None, None]
    events = events_table((), **dates)
    assert edges(particles, events).shape == (0, 2)
    assert tracks_table(particles, events, frames, calibration=KNOWN).num_rows == 0


def test_coverage_and_flags_are_those_of_the_frame():
    frames = tables()["frames"].to_pydict()
    assert frames["coverage"] == [8 / 28, 8 / 28, 9 / 28, 8 / 28]
    assert frames["flags"] == [[], [], [], ["blank"]]
    assert frames["drift_x_nm"] == [0, 0.5, 1, 1.5]


def test_links_jump_over_frames_in_which_a_track_is_not_seen():
    labels = np.zeros((3, 4, 4), np.uint32)
    labels[0, 1, 1] = labels[2, 1, 1] = 5
    dates = {"calibration": Calibration(), "source_frame": np.arange(3), "time_s": None}
    particles = particles_table(measure_bodies(labels, labels, labels), **dates)
    assert edges(particles, events_table((), **dates)).tolist() == [[0, 1]]
