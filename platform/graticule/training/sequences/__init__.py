"""Short movies to train trackers on: simulated ones, and stills set in motion."""
