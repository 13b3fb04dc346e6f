"""What it costs to let a network decide, a reader, or both, for skinfw."""
