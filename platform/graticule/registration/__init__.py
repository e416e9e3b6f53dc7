"""Drift of the specimen between frames."""
