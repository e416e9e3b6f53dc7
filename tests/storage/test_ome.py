"""The experiment as other software of the field sees it."""

import numpy as np
import ome_zarr.io
import ome_zarr.reader
import pytest
import zarr
from ome_zarr_models.v05.image import Image
from ome_zarr_models.v05.image_label import ImageLabel
from ome_zarr_models.v05.labels import Labels

from graticule.core.calibration import Calibration


def fill(experiment, movie, discs, kinds=("instances", "tracks")):
    experiment.write_image(0, movie)
    for kind in kinds:
        experiment.create_labels(kind)
        experiment.write_labels(kind, 0, discs)
    return experiment


def transforms(experiment, level):
    multiscale = Image.from_zarr(zarr.open_group(experiment.root, mode="r")).ome_attributes.multiscales[0]
    scale, translation = multiscale.datasets[level].coordinateTransformations
    return [axis.unit for axis in multiscale.axes], scale.scale, translation.translation


def test_it_is_valid_at_every_step_on_the_way(make, movie, discs):
    experiment = make()
    steps = [
        lambda: None,
        lambda: fill(experiment, movie, discs),
        lambda: experiment.build_pyramid("image"),
        lambda: experiment.build_pyramid("instances"),
        lambda: experiment.build_pyramid("tracks"),
        lambda: experiment.remove("labels/instances"),
        lambda: experiment.remove("1"),
    ]
    for step in steps:
        step()
        Image.from_zarr(zarr.open_group(experiment.root, mode="r"))


def test_labels_are_listed_when_as_deep_as_their_image(make, movie, discs):
    experiment = fill(make(), movie, discs)

    def listed():
        return Labels.from_zarr(zarr.open_group(experiment.path("labels"), mode="r")).label_paths

    assert listed() == ["instances", "tracks"]
    experiment.build_pyramid("image")
    assert listed() == []
    experiment.build_pyramid("tracks")
    experiment.build_pyramid("instances")
    assert listed() == ["instances", "tracks"]
    label = ImageLabel.from_zarr(zarr.open_group(experiment.path("labels/tracks"), mode="r"))
    assert label.attributes.ome.image_label.source.image == "../../"


def test_scales_are_in_seconds_and_nanometers(make, movie):
    experiment = make(first_frame=8, frame_step=2, crop_origin=(100, 10))
    experiment.write_image(0, movie)
    experiment.build_pyramid("image")
    units, scale, translation = transforms(experiment, 0)
    assert units == ["second", "nanometer", "nanometer"]
    assert scale == [0.25, 0.5, 0.5]
    assert translation == [1.0, 50.0, 5.0]  # 4 frames of the experiment before its first
    _, scale, translation = transforms(experiment, 1)
    assert scale == [0.25, 1.0, 1.0]
    assert translation == [1.0, 50.25, 5.25]  # the middle of two fine pixels


def test_unknown_scales_have_no_unit_and_count_frames_and_pixels(make):
    experiment = make(calibration=Calibration(), first_frame=8, frame_step=2, crop_origin=(100, 10))
    assert transforms(experiment, 0) == ([None, None, None], [2.0, 1.0, 1.0], [8.0, 100.0, 10.0])
    attributes = zarr.open_group(experiment.root, mode="r").attrs["ome"]
    assert all("unit" not in axis for axis in attributes["multiscales"][0]["axes"])


def test_ome_zarr_opens_image_levels_labels_and_contrast(make, movie, discs):
    experiment = fill(make(), movie, discs)
    for which in ("image", "instances", "tracks"):
        experiment.build_pyramid(which)
    nodes = list(ome_zarr.reader.Reader(ome_zarr.io.parse_url(experiment.root))())
    image = nodes[0]
    assert [level.shape for level in image.data] == [(20, 300, 280), (20, 150, 140)]
    np.testing.assert_array_equal(np.asarray(image.data[0]), movie)
    low, high = image.metadata["contrast_limits"][0]
    assert 70 < low < 80
    assert 100 < high < 110
    labels = [node for node in nodes if node.zarr.path.endswith("tracks")]
    np.testing.assert_array_equal(np.asarray(labels[0].data[0]), discs)


@pytest.mark.parametrize("value", [0, np.nan])
def test_a_movie_of_one_value_still_has_a_window(make, value):
    experiment = make(shape=(3, 20, 20), dtype=np.float32)
    experiment.write_image(0, np.full((3, 20, 20), value, np.float32))
    experiment.build_pyramid("image")
    window = zarr.open_group(experiment.root, mode="r").attrs["ome"]["omero"]["channels"][0]["window"]
    assert window["start"] < window["end"]
    assert window["min"] < window["max"]
