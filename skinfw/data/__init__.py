"""From a data set to batches: table, division, decoding, cache, warping, loader.

Imports `runtime` and what lies below. torch lives in `loader` alone.
"""
