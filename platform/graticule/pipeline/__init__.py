"""The stages from movie to report, and the shells (plain loop, Ray Data) that run them."""

from graticule.core import ray_metrics

ray_metrics.leave_off()
