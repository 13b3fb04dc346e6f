"""Metrics of classification, for skinfw."""
