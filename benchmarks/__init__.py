"""Measurements: medians of repeated runs, as ratios to something run in the same minute."""
