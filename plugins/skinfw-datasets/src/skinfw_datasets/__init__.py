"""Derm7PT, and images of your own, for skinfw."""
