"""Grad-CAM, for skinfw."""
