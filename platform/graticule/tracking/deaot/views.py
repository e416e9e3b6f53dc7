"""A window of space and time, followed view by view, as small arrays.

Each view sees a margin more than it speaks for; a site belongs to the view in whose share
of the frame it lies.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, Num, UInt32

from graticule.core.tracker import Observations
from graticule.core.window import Box, Window, relative
from graticule.models.learned.normalise import measure_frame, normalised
from graticule.registration.drift import drift_steps
from graticule.tiling.windows import tile_windows
from graticule.tracking.deaot.carrier import SlotCarrier
from graticule.tracking.deaot.completing import CARRIED, LINK, RUN
from graticule.tracking.deaot.config import STRIDE
from graticule.tracking.deaot.follow import Follower, Found
from graticule.tracking.deaot.network import DeAOT
from graticule.tracking.deaot.settings import DeAOTSettings
from graticule.tracking.deaot.sight import Lens

CONTEXT = 4 * STRIDE
"""What a view sees beyond its share, in magnified pixels."""
_LARGEST_ZOOM = 4.0
_SMALLEST_ZOOM = 0.25


def follow_window(
    network: DeAOT,
    settings: DeAOTSettings,
    images: Num[np.ndarray, "t y x"],
    labels: UInt32[np.ndarray, "t y x"],
    *,
    window: Window,
    width: int,
    device: torch.device,
    pixel_size_nm: float | None,
) -> Observations:
    """Return where each instance of a frame went in the next, and what was carried on unseen.

    Args:
        network: In evaluation mode, on ``device``.
        settings: How to follow.
        images: Frames of the window, its read box.
        labels: Instances, likewise.
        window: Which frames and pixels these are.
        width: Of the whole frame, in pixels.
        device: Where the network is.
        pixel_size_nm: If known.

    Returns:
        ``link_*``: one row per site of a frame and instance that it lies on in frame
        ``link_frame``; the site is named by the instance it was last seen as. ``carried_*``:
        one row per site carried on without an instance. ``run_*``: its pixels, as runs
        start … stop of the flattened frame, of row ``run_carried``.
    """
    gathered = Gathered(window, width)
    grey = greys_of(images, labels)
    drift, _ = drift_steps(images)
    lead = settings.kept_frames if window.start else 0
    least = _least_area_px(settings.least_diameter_nm, pixel_size_nm)
    zoom = zoom_of(labels, settings.diameter_px)
    for view in views_of(labels.shape[1:], settings, zoom=zoom):
        carrier = slot_carrier(network, view.lens, settings, device=device)
        follower = Follower(carrier, settings, least_area_px=least)
        follower.start(window.start, grey[0][view.read], labels[0][view.read])
        for t in range(1, len(labels)):
            seen = labels[t][view.read]
            found = follower.step(window.start + t, grey[t][view.read], seen, drift=drift[t - 1])
            if t > lead:
                gathered.add(window.start + t, found, seen, view)
    return gathered.arrays()


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """A part of a window that the network sees at once; it speaks for ``write``."""

    read: Box
    write: Box
    lens: Lens


def views_of(shape: tuple[int, ...], settings: DeAOTSettings, *, zoom: float) -> list[View]:
    """Return the views of a window of ``shape`` (y, x), as even as can be."""
    most, context = int(settings.view_px / zoom), int(CONTEXT / zoom)
    height, width = shape
    longest = max(height, width)
    room = longest if longest <= most else max(most - 2 * context, context, 16)
    size = -(-longest // -(-longest // room))
    windows = tile_windows((height, width), frames=(0, 1), size=size, context=0, margin=context)
    return [View(read=w.read, write=w.write, lens=Lens.of(_extent(w.read), zoom=zoom)) for w in windows]


def slot_carrier(network: DeAOT, lens: Lens, settings: DeAOTSettings, *, device: torch.device) -> SlotCarrier:
    """Return the carrier of a view, with the memory that the settings allow."""
    return SlotCarrier(
        network,
        lens,
        device=device,
        gap_diameters=settings.neighbour_diameters,
        memory_views=settings.memory_views,
        memory_gap=settings.memory_gap,
    )


class Gathered:
    """Rows of all views, in the coordinates of the whole frame."""

    def __init__(self, window: Window, width: int) -> None:
        self.window, self.width = window, width
        self.links: list[np.ndarray] = []
        self.carried: list[np.ndarray] = []
        self.runs: list[np.ndarray] = []
        self.count = 0

    def add(self, frame: int, found: Found, labels: np.ndarray, view: View) -> None:
        """Take what a view found of the sites that are its own."""
        sites = found.sites
        origin = np.array([part.start for part in view.read])
        own = np.ones(len(sites), np.bool_)
        for axis, (share, mine) in enumerate(
            zip(view.write, relative(self.window.write, self.window.read), strict=True)
        ):
            place = sites.place[:, axis] + origin[axis]
            low, high = max(share.start, mine.start), min(share.stop, mine.stop)
            own &= (place >= low - 0.5) & (place < high - 0.5)
        mine = own[found.site]
        site = found.site[mine]
        self.links.append(
            np.stack(
                [
                    np.full(len(site), frame),
                    sites.frame[site],
                    sites.label[site],
                    found.label[mine],
                    found.pixels[mine],
                ],
                1,
            )
        )
        corner = origin + [part.start for part in self.window.read]
        for row in np.flatnonzero(own & found.carried).tolist():
            y, x = np.nonzero((found.owner == row) & (labels == 0))
            y, x = y + corner[0], x + corner[1]
            self.carried.append(
                np.array([frame, sites.frame[row], sites.label[row], len(y), y.mean(), x.mean()])
            )
            self.runs.append(_runs(y * self.width + x, self.count))
            self.count += 1

    def arrays(self) -> Observations:
        """Return all rows, by column."""
        links = np.concatenate([np.zeros((0, len(LINK)), np.int64), *self.links])
        carried = np.concatenate([np.zeros((0, len(CARRIED))), *(row[None] for row in self.carried)])
        runs = np.concatenate([np.zeros((0, 3), np.int64), *self.runs])
        whole = {"y", "x"}
        return {
            **{f"link_{name}": links[:, column] for column, name in enumerate(LINK)},
            **{
                f"carried_{name}": carried[:, column]
                if name in whole
                else carried[:, column].astype(np.int64)
                for column, name in enumerate(CARRIED)
            },
            **{f"run_{name}": runs[:, column] for column, name in enumerate(RUN)},
        }


def _extent(box: Box) -> tuple[int, int]:
    return box[0].stop - box[0].start, box[1].stop - box[1].start


def greys_of(
    images: Num[np.ndarray, "t y x"], labels: UInt32[np.ndarray, "t y x"]
) -> list[Float32[np.ndarray, "y x"]]:
    """Return the frames in 0..1, particles dark, as they are in the first frame that has any."""
    dark = next(
        (
            bool(image[seen > 0].mean() < image[seen == 0].mean())
            for image, seen in zip(images, labels, strict=True)
            if 0 < (seen > 0).mean() < 1
        ),
        True,
    )
    return [_grey(image, dark=dark) for image in images]


def _grey(image: Num[np.ndarray, "y x"], *, dark: bool) -> Float32[np.ndarray, "y x"]:
    statistics = measure_frame(image)
    if statistics["empty"]:
        return np.full(image.shape, 0.5, np.float32)
    return normalised(image, statistics, dark=dark)


def zoom_of(labels: UInt32[np.ndarray, "t y x"], diameter_px: float) -> float:
    """Return what magnifies the median instance of all frames to a diameter."""
    areas = np.concatenate([np.bincount(frame[frame > 0])[1:] for frame in labels])
    areas = areas[areas > 0]
    if not len(areas):
        return 1.0
    zoom = diameter_px / np.sqrt(4 * np.median(areas) / np.pi)
    return float(np.clip(zoom, _SMALLEST_ZOOM, _LARGEST_ZOOM))


def _least_area_px(diameter_nm: float, pixel_size_nm: float | None) -> float:
    return 0.0 if pixel_size_nm is None else float(np.pi / 4 * (diameter_nm / pixel_size_nm) ** 2)


def _runs(pixels: np.ndarray, row: int) -> np.ndarray:
    """Return ascending pixels as (row, start, stop) of unbroken runs."""
    new = np.flatnonzero(np.diff(pixels, prepend=-2) != 1)
    ends = np.append(pixels[new[1:] - 1], pixels[-1]) + 1
    return np.stack([np.full(len(new), row), pixels[new], ends], 1)
