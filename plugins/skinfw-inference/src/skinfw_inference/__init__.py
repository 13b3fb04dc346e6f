"""Predict and export with the network of a run, for skinfw."""
