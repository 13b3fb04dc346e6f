"""Verify a run from its own files, and pack it for others, for skinfw."""
