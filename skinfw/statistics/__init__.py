"""Numbers and how far they may be from the truth: predictions, metrics, intervals, pairs.

Imports `runtime.seed`, `interfaces` and `files`; works on arrays. No torch.
"""
