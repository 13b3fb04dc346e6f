"""The trainer and what it is made of: components, sampling, EMA, checkpoints, checks, x-ray.

Imports `evaluation` and what lies below; torch is used throughout. Whoever changes the order of
random draws or of floating-point operations changes numbers: the CHANGELOG must say so.
"""
