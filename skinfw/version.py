"""The version of skinfw."""

__version__ = "0.1.0"
