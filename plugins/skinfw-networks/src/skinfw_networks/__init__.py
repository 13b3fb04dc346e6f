"""Changes to any backbone, for skinfw."""
