"""What all segmenters with a network share: views, normalisation, batches, instances."""
