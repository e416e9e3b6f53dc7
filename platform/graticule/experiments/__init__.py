"""Runs, comparisons and the registry of models: MLflow, imported only in here and only when asked."""
