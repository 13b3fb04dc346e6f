"""Measurements beside peers: pairs run in the same minute, medians of their ratios."""
