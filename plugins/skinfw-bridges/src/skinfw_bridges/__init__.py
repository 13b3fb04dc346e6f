"""Augmentations, losses, metrics, samplers and optimizers of other libraries, for skinfw."""
