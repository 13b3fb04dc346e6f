"""What is installed, what is broken and what is slow, on one page, for skinfw."""
