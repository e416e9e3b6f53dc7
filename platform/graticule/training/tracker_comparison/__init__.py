"""Any set of trackers on the same movies and the same instances: figures and a page."""

from graticule.training.tracker_comparison.compare import Asked, Compared, compare_trackers
from graticule.training.tracker_comparison.entrants import Entrant, entrants_of
from graticule.training.tracker_comparison.record import Recorded, compare_in_mlflow

__all__ = [
    "Asked",
    "Compared",
    "Entrant",
    "Recorded",
    "compare_in_mlflow",
    "compare_trackers",
    "entrants_of",
]
