"""Packages and recipes to start from, for skinfw."""
