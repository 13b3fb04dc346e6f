"""From a data set to batches: table, leakage, decoding, preparation, warping, loader.

Imports `runtime` and what lies below. torch lives in `loader` alone.
"""
