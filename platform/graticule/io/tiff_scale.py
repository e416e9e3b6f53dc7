"""What a TIFF file says of its axes and scale: OME-XML, ImageJ, DigitalMicrograph, tifffile.

TIFF's own resolution tags are for print and are not taken for a calibration.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import tifffile

from graticule.core.errors import InputError
from graticule.io.scale import Scale

_DM_UNITS, _DM_SCALES = (65003, 65004, 65005), (65009, 65010, 65011)  # x, y, t
_X_RESOLUTION, _Y_RESOLUTION = 282, 283


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """Length of each stack axis by name, slowest first (unknown: empty), and the scales."""

    axes: Mapping[str, int] = field(default_factory=dict)
    y: Scale | None = None
    x: Scale | None = None
    t: Scale | None = None
    notes: tuple[str, ...] = ()


def describe(tif: tifffile.TiffFile, path: str) -> Description:
    """Return what the file's metadata say; the first kind found counts.

    Raises:
        InputError: If it is an OME-TIFF of several images, or part of a set of files.
    """
    page = tif.pages.first
    if page.is_ome and tif.ome_metadata:
        return _from_ome(tif.ome_metadata, samples=page.samplesperpixel, path=path)
    if tif.is_imagej:
        return _from_imagej(tif.imagej_metadata or {}, page)
    if all(code in page.tags for code in _DM_SCALES):
        return _from_dm(page)
    notes = () if _trivial_resolution(page) else (
        "pixel size unknown: TIFF resolution tags are for print; --pixel-size-nm sets it",
    )  # fmt: skip
    return Description(axes=_shaped_axes(tif), notes=notes)


def _from_ome(text: str, *, samples: int, path: str) -> Description:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: its OME-XML cannot be read ({error}); export the movie again") from error
    images = root.findall("{*}Image")
    pixels = [image.find("{*}Pixels") for image in images]
    if len(images) != 1 or pixels[0] is None:
        names = ", ".join(image.get("Name") or f"image {number}" for number, image in enumerate(images))
        raise InputError(f"{path} holds {len(images)} OME images ({names}); export one as its own file")
    found = pixels[0]
    parts = {uuid.get("FileName") for uuid in found.iterfind("{*}TiffData/{*}UUID")} - {None}
    if len(parts) > 1:
        raise InputError(f"{path} is one of {len(parts)} files of an OME-TIFF set; give their folder")
    sizes = {axis: int(found.get(f"Size{axis}", 1)) for axis in "TZC"}
    sizes["C"] = max(1, sizes["C"] // samples)
    order = [axis for axis in reversed(found.get("DimensionOrder", "XYCZT")) if axis in sizes]
    return Description(
        axes={axis: sizes[axis] for axis in order},
        y=_ome_scale(found.attrib, "PhysicalSizeY", "µm"),
        x=_ome_scale(found.attrib, "PhysicalSizeX", "µm"),
        t=_ome_scale(found.attrib, "TimeIncrement", "s"),
    )


def _ome_scale(attributes: Mapping[str, str], name: str, unit: str) -> Scale | None:
    value = attributes.get(name)
    return None if value is None else Scale(value=_number(value), unit=attributes.get(f"{name}Unit", unit))


def _from_imagej(metadata: Mapping[str, Any], page: tifffile.TiffPage) -> Description:
    axes = {
        axis: int(metadata.get(name, 1))
        for axis, name in (("T", "frames"), ("Z", "slices"), ("C", "channels"))
    }
    if all(length == 1 for length in axes.values()):
        axes = {"T": int(metadata.get("images", 1))}
    elif page.samplesperpixel > 1:
        axes["C"] = 1
    unit = str(metadata.get("unit") or "")
    y_unit = str(metadata.get("yunit") or unit)
    interval = metadata.get("finterval")
    x = Scale(value=_per_unit(page, _X_RESOLUTION), unit=unit)
    y = Scale(value=_per_unit(page, _Y_RESOLUTION), unit=y_unit)
    if not unit and _trivial_resolution(page):
        x = y = Scale()
    t = Scale(value=float(interval), unit=str(metadata.get("tunit") or "s")) if interval else None
    return Description(axes=axes, y=y, x=x, t=t)


def _from_dm(page: tifffile.TiffPage) -> Description:
    def tag(code: int) -> Any:
        return page.tags[code].value if code in page.tags else None

    x, y, t = (
        Scale(value=float(tag(value)), unit=str(tag(unit) or ""))
        for unit, value in zip(_DM_UNITS, _DM_SCALES, strict=True)
    )
    return Description(y=y, x=x, t=t)


def _shaped_axes(tif: tifffile.TiffFile) -> dict[str, int]:
    metadata = tif.shaped_metadata
    if not metadata or "shape" not in metadata[0]:
        return {}
    shape, page = metadata[0]["shape"], tif.pages.first
    leading = shape[: max(0, len(shape) - len(page.shape))]
    names = str(metadata[0].get("axes", ""))
    letters = names[: len(leading)] if len(names) == len(shape) else "QIJKLMN"[: len(leading)]
    return dict(zip(letters, leading, strict=False)) if len(set(letters)) == len(leading) else {}


def _per_unit(page: tifffile.TiffPage, code: int) -> float | None:
    if code not in page.tags:
        return None
    numerator, denominator = page.tags[code].value
    return denominator / numerator if numerator else None


def _trivial_resolution(page: tifffile.TiffPage) -> bool:
    return _per_unit(page, _X_RESOLUTION) in (None, 1.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
