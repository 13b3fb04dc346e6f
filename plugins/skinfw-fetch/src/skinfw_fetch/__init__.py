"""Official files of data sets, for skinfw."""
