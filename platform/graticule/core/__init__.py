"""The words every room shares: movies, windows, segmenters, trackers, errors."""
