"""A trained model from a run folder, and what it says of images.

Imports `training.checkpoint`, `evaluation` and what lies below. torch lives in `torch_model`,
`model_evaluator` and `maps` alone.
"""
