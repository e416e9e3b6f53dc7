"""Seeded in-situ sintering movies with exact truth: masks, identities, events."""

from graticule.synthetic.presets import PRESETS, Preset
from graticule.synthetic.simulation import Simulation, TruthFrame, simulate

__all__ = ["PRESETS", "Preset", "Simulation", "TruthFrame", "simulate"]
