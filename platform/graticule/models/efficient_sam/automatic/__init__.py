"""One embedding and many prompts become instance labels, stage by stage."""
