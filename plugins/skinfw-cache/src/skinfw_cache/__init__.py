"""A look at the cache of decoded images, for skinfw."""
