"""Augmentation ops and the center view, for skinfw."""
