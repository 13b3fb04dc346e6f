"""Every backbone of timm and torchvision, for skinfw."""
