"""How far numbers may be from the truth: intervals over lesions, and files of predictions.

Imports `runtime.seed`, `interfaces` and `files`; works on arrays. No torch.
"""
