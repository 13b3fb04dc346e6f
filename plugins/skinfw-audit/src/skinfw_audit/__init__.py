"""An audit of data sets, for skinfw."""
