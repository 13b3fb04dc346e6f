"""Several runs as one: ensembles, soups, and networks that an ensemble teaches, for skinfw."""
