"""Samplers for long-tailed classes, for skinfw."""
