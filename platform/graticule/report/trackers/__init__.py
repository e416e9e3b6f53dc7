"""The comparison of trackers as a page and tables; drawn from plain values."""

from graticule.report.trackers.publish import publish
from graticule.report.trackers.values import METRICS, Group, Row, TrackerComparison

__all__ = ["METRICS", "Group", "Row", "TrackerComparison", "publish"]
