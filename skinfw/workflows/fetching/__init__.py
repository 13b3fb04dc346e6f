"""Bring the official files of data sets: over a line that breaks, and out of archives."""
