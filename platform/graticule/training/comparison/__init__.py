"""Any set of segmenters on the same labelled images: figures, a page, and a champion."""

from graticule.training.comparison.champion import Rule
from graticule.training.comparison.compare import Asked, Compared, compare
from graticule.training.comparison.entrants import Entrant, entrants_of
from graticule.training.comparison.record import Recorded, compare_in_mlflow

__all__ = [
    "Asked",
    "Compared",
    "Entrant",
    "Recorded",
    "Rule",
    "compare",
    "compare_in_mlflow",
    "entrants_of",
]
