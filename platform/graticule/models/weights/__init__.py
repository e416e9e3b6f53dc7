"""Weights of networks: where they lie, how they are read, checked, converted."""
