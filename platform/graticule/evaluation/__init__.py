"""How good a result is against the truth: masks, instances, tracks, events; numpy and scipy."""
