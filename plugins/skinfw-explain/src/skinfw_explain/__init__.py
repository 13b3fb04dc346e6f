"""Where a network looks, for skinfw."""
