"""A picture of what an augmentation does, for skinfw."""
