"""The comparison of segmenters as a page, tables and figures; drawn from plain values."""

from graticule.report.comparison.publish import publish
from graticule.report.comparison.values import (
    Comparison,
    Curve,
    Dataset,
    Mean,
    Panel,
    Row,
    Speed,
)

__all__ = ["Comparison", "Curve", "Dataset", "Mean", "Panel", "Row", "Speed", "publish"]
