"""Optimizers and learning rate schedules of torch, for skinfw."""
