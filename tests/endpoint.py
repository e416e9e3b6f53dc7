"""Small limits for an endpoint that tests run."""

from serve.settings import ServeSettings

SMALL = ServeSettings(
    default_model="threshold",
    hosts=("testserver",),
    image_bytes=4 * 2**20,
    image_pixels=2**20,
    image_edge_px=2048,
    movie_bytes=2**22,
    movie_frames=20,
    movie_pixels=2**20,
    results_seconds=60,
)
"""Limits that tests reach quickly."""
