"""Calibration, prediction sets, the unknown and subgroups, for skinfw."""
