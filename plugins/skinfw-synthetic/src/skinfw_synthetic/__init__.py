"""Procedural dermoscopy for the eight ISIC 2019 classes."""
