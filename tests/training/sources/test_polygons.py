import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.errors import InputError
from graticule.training.sources.polygons import draw, read_polygons

SQUARE = "0 0.25 0.25 0.75 0.25 0.75 0.75 0.25 0.75"


def read(tmp_path, text):
    path = tmp_path / "image.txt"
    path.write_bytes(text.encode())
    return read_polygons(str(path))


def test_a_polygon_covers_the_pixels_whose_centres_lie_in_it(tmp_path):
    labels = draw(read(tmp_path, SQUARE), (8, 12))
    assert labels[2:6, 3:9].all()
    assert labels.sum() == 4 * 6


def test_later_polygons_lie_over_earlier_ones_and_ids_have_no_gaps(tmp_path):
    whole = "0 0 0 1 0 1 1 0 1"
    corner = "0 0 0 0.5 0 0.5 0.5 0 0.5"
    labels = draw(read(tmp_path, f"{SQUARE}\n{whole}\n{corner}"), (8, 8))
    assert labels.max() == 2
    assert labels[0, 0] == 2
    assert labels[7, 7] == 1


def test_a_polygon_between_pixel_centres_gets_one_pixel(tmp_path):
    labels = draw(read(tmp_path, "0 0.51 0.51 0.52 0.51 0.52 0.52"), (4, 4))
    assert np.argwhere(labels).tolist() == [[2, 2]]


@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n", "\ufeff"])
def test_an_empty_file_has_no_particle(tmp_path, text):
    assert not draw(read(tmp_path, text), (8, 8)).any()


def test_windows_line_ends_and_blank_lines_are_no_matter(tmp_path):
    assert len(read(tmp_path, f"\ufeff{SQUARE}\r\n\r\n{SQUARE}\r\n")) == 2


def test_a_coordinate_may_be_outside_by_rounding(tmp_path):
    (corners,) = read(tmp_path, "0 -0.0005 0 1.0005 0 1 1")
    assert corners.min() == 0
    assert corners.max() == 1


BAD_LINES = {
    "0 0.1 0.1 0.2 0.2 0.3": "has 5 coordinates",
    "0 0.1 0.1 0.2 0.2": "is a box, not a polygon",
    "0 0.1 0.1": "has 2 coordinates",
    "0": "has 0 coordinates",
    "0 0.1 0.1 0.2 0.2 0.3 1.2": "coordinate 1.2 is outside of 0 to 1",
    "0 10 10 20 20 30 30": "coordinate 10 is outside",
    "0 0.1 nan 0.2 0.2 0.3 0.3": "coordinate nan is outside",
    "0 0.1 0.1 0.2 0.2 0.3 x": "'x' is no number",
    "0,0.1,0.1,0.2,0.2,0.3,0.3": "is no number",
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_named_with_file_and_number(tmp_path, line):
    with pytest.raises(InputError, match=BAD_LINES[line]) as refused:
        read(tmp_path, f"{SQUARE}\n\n{line}\n")
    assert "image.txt line 3" in str(refused.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "image.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="is no text"):
        read_polygons(str(tmp_path / "image.txt"))


coordinate = st.floats(0, 1, allow_nan=False)


@given(st.lists(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=6), max_size=6))
def test_any_polygons_give_labels_without_gaps(polygons):
    labels = draw([np.array(corners) for corners in polygons], (9, 7))
    used = np.unique(labels[labels > 0])
    assert used.tolist() == list(range(1, len(used) + 1))
    assert not polygons or labels.any()
