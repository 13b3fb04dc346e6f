"""Losses and class weightings, for skinfw."""
