"""The network of a recipe: backbone, modalities, frozen layers, features, what it computes on.

Imports `data` and what lies below; torch is used throughout.
"""
