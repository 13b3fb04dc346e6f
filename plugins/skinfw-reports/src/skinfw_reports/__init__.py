"""Tables and figures of a run, for skinfw."""
