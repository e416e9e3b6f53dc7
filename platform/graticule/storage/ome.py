"""OME-Zarr 0.5 metadata, built from the models of ome-zarr-models.

World coordinates are nanometers and seconds when calibrated, else pixels of the source and
frame numbers without a unit. Source: OME-Zarr 0.5, ngff.openmicroscopy.org/0.5.
"""

import json
from typing import Any, Literal

import numpy as np
from jaxtyping import Num
from ome_zarr_models.common.omero import Channel, Omero, Window
from ome_zarr_models.v05.axes import Axis
from ome_zarr_models.v05.image import ImageAttrs
from ome_zarr_models.v05.image_label import ImageLabelAttrs
from ome_zarr_models.v05.image_label_types import Color, Label, Source
from ome_zarr_models.v05.labels import LabelsAttrs
from ome_zarr_models.v05.multiscales import Dataset, Multiscale

from graticule.storage.attributes import Attributes

VERSION: Literal["0.5"] = "0.5"
RENDERED_PERCENT = (0.1, 99.9)


def group_json(attributes: dict[str, Any]) -> bytes:
    """Return the zarr.json of a group with these attributes."""
    document = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    return json.dumps(document, indent=2).encode()


def image_metadata(about: Attributes, *, levels: int, omero: dict[str, Any] | None) -> dict[str, Any]:
    """Return the "ome" attributes of an image of so many pyramid levels."""
    model = ImageAttrs(version=VERSION, multiscales=[_multiscale(about, levels=levels, method="mean")])
    document = model.model_dump(exclude_none=True)
    return document if omero is None else document | {"omero": omero}


def label_metadata(about: Attributes, *, levels: int) -> dict[str, Any]:
    """Return the "ome" attributes of a label image, two groups below its image."""
    background = Color.model_validate({"label-value": 0, "rgba": (0, 0, 0, 0)})
    label = Label(version=VERSION, colors=(background,), source=Source(image="../../"))
    multiscale = _multiscale(about, levels=levels, method="mode")
    model = ImageLabelAttrs.model_validate(
        {"version": VERSION, "multiscales": [multiscale], "image-label": label}
    )
    return model.model_dump(exclude_none=True, by_alias=True)


def labels_metadata(names: list[str]) -> dict[str, Any]:
    """Return the "ome" attributes of the group that lists the label images."""
    return LabelsAttrs(version=VERSION, labels=names).model_dump()


def rendering(sample: Num[np.ndarray, "t y x"]) -> dict[str, Any]:
    """Return an "omero" block whose window spans nearly all values of a sample."""
    finite = sample[np.isfinite(sample)]
    low, high = np.percentile(finite, RENDERED_PERCENT) if finite.size else (0.0, 1.0)
    if np.issubdtype(sample.dtype, np.integer):
        bounds: tuple[float, float] = np.iinfo(sample.dtype).min, np.iinfo(sample.dtype).max
    else:
        bounds = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    window = Window(
        min=bounds[0], max=max(bounds[1], bounds[0] + 1), start=float(low), end=float(max(high, low + 1e-6))
    )
    channel = Channel(color="FFFFFF", window=window)
    block = Omero(channels=[channel]).model_dump()
    block["channels"][0] |= {"active": True, "label": "intensity"}
    return block | {"rdefs": {"model": "greyscale"}}


def _multiscale(about: Attributes, *, levels: int, method: str) -> Multiscale:
    return Multiscale(
        name=about.name,
        type=method,
        axes=_axes(about),
        datasets=tuple(_dataset(about, number) for number in range(levels)),
    )


def _axes(about: Attributes) -> list[Axis]:
    second = None if about.frame_interval_s is None else "second"
    nanometer = None if about.pixel_size_nm is None else "nanometer"
    return [
        Axis(name="t", type="time", unit=second),
        Axis(name="y", type="space", unit=nanometer),
        Axis(name="x", type="space", unit=nanometer),
    ]


def _dataset(about: Attributes, number: int) -> Dataset:
    pixel = about.pixel_size_nm or 1.0
    step = about.frame_interval_s or float(about.frame_step)
    start = about.first_frame / about.frame_step * step
    # A coarse pixel's centre lies in the middle of the fine pixels that it covers.
    middle = (2**number - 1) / 2
    corner = [(origin + middle) * pixel for origin in about.crop_origin]
    return Dataset.build(
        path=str(number),
        scale=[step, pixel * 2**number, pixel * 2**number],
        translation=[start, *corner],
    )
