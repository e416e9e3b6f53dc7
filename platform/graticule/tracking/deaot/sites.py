"""What is followed: where each object was last, and under which name.

A site is one instance, or what stands for it while it is not seen. Several sites of one
object are its pieces. Its name is the frame and label under which it was last seen.
"""

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int, UInt32


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Sites:
    """One entry per site; ``place`` in pixels of the view, ``missed`` counts frames not seen."""

    object: Int[np.ndarray, " n"]
    frame: Int[np.ndarray, " n"]
    label: Int[np.ndarray, " n"]
    place: Float[np.ndarray, "n 2"]
    area: Float[np.ndarray, " n"]
    missed: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.object)

    def take(self, rows: Int[np.ndarray, " m"] | Bool[np.ndarray, " n"]) -> "Sites":
        """Return some of them."""
        return Sites(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def and_also(self, others: "Sites") -> "Sites":
        """Return both, these first."""
        names = [field.name for field in fields(self)]
        return Sites(**{name: np.concatenate([getattr(self, name), getattr(others, name)]) for name in names})

    @property
    def radius(self) -> Float[np.ndarray, " n"]:
        """Radius of the disc of equal area, px."""
        return np.asarray(np.sqrt(self.area / np.pi))


def nobody() -> Sites:
    """Return no sites."""
    none = np.zeros(0, np.int64)
    return Sites(object=none, frame=none, label=none, place=np.zeros((0, 2)), area=np.zeros(0), missed=none)


def sites_seen(
    frame: int, label: UInt32[np.ndarray, " n"], place: Float[np.ndarray, "n 2"], area: Int[np.ndarray, " n"]
) -> Sites:
    """Return sites of instances whose objects are not known yet: object -1."""
    n = len(label)
    return Sites(
        object=np.full(n, -1),
        frame=np.full(n, frame),
        label=label.astype(np.int64),
        place=place,
        area=area.astype(np.float64),
        missed=np.zeros(n, np.int64),
    )
