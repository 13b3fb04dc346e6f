"""Repeat-factor sampling, seesaw loss and SmoothGrad, for skinfw."""
