import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile

from graticule.core.calibration import Calibration
from graticule.core.errors import StorageError, UnknownNameError
from graticule.report.export import export

from .conftest import store


def test_csv_holds_the_four_tables_with_lists_joined(discs, tmp_path):
    paths = export(discs, "csv", str(tmp_path / "out"))
    assert [path.rsplit("/", 1)[1] for path in paths] == [
        f"{name}.csv" for name in ("particles", "tracks", "events", "frames")
    ]
    events = list(csv.DictReader(Path(paths[2]).read_text().splitlines()))
    assert (events[0]["kind"], events[0]["parents"], events[0]["children"]) == ("merge", "1;2", "10")
    assert (
        len(list(csv.DictReader(Path(paths[0]).read_text().splitlines())))
        == discs.read_table("particles").num_rows
    )


def test_tiff_stacks_carry_pixels_and_calibration_for_imagej(discs, tmp_path):
    image, _, tracks = export(discs, "tiff", str(tmp_path / "out"))
    np.testing.assert_array_equal(tifffile.imread(image), discs.read_image(0, 40))
    with tifffile.TiffFile(tracks) as stack:
        assert stack.is_imagej
        assert stack.series[0].axes == "TYX"
        assert stack.asarray().dtype == np.uint16
        np.testing.assert_array_equal(stack.asarray(), discs.read_labels("tracks", 0, 40))
        assert stack.imagej_metadata["unit"] == "nm"
        assert stack.imagej_metadata["finterval"] == 0.5
        above, below = stack.pages[0].tags["XResolution"].value
        assert above / below == pytest.approx(4.0)


@pytest.mark.parametrize(("largest", "dtype"), [(65_535, "u2"), (65_536, "f4"), (2**24 + 1, "u4")])
def test_labels_take_the_smallest_type_that_keeps_every_id(largest, dtype, tmp_path):
    labels = np.zeros((2, 8, 8), np.uint32)
    labels[:, 2:5, 2:5] = largest
    made = store(tmp_path / "e", labels.astype(np.uint8), labels, np.zeros((2, 2)), calibration=Calibration())
    found = tifffile.imread(export(made, "tiff", str(tmp_path / "out"))[2])
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.astype(np.int64), labels)


def test_existing_files_are_kept_unless_told_otherwise(discs, tmp_path):
    (tmp_path / "tracks.csv").write_text("mine")
    with pytest.raises(StorageError, match=r"tracks\.csv exists; .* --overwrite"):
        export(discs, "csv", str(tmp_path))
    assert (tmp_path / "tracks.csv").read_text() == "mine"
    assert not (tmp_path / "particles.csv").exists()
    export(discs, "csv", str(tmp_path), overwrite=True)
    assert (tmp_path / "tracks.csv").read_text() != "mine"


def test_an_unknown_format_lists_the_known(discs, tmp_path):
    with pytest.raises(UnknownNameError, match="known: csv, tiff"):
        export(discs, "xlsx", str(tmp_path))


def test_a_file_is_no_folder_to_export_into(discs, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(StorageError, match="give a folder"):
        export(discs, "csv", str(tmp_path / "out"))
