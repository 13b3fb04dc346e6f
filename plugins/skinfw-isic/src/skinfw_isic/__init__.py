"""The ISIC challenge data sets in their official layouts, for skinfw."""
