"""The experiment on disk: pixels, labels, tables, graph and runs in one place."""
