"""On-demand inference: plain parts that answer requests, and the Ray Serve shell around them."""
