"""Copies among image files, for skinfw."""
