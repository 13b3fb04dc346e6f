"""Several runs beside each other, for skinfw."""
