"""Fine-tune the networks: labelled images, recipes, and a loop in plain torch."""
