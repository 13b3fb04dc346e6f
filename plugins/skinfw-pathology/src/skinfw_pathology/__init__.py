"""Virtual pathology: what dermoscopic images vary in, for skinfw."""
