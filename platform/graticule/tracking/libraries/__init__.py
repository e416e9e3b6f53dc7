"""Trackers of other people's making behind our interface, to be compared with; see :mod:`.tracker`."""
