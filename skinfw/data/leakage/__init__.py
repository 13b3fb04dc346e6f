"""What joins images of one lesion, and whether a division keeps joined images together.

Imported by `data.table` and by commands that look at data sets. No torch.
"""
