"""Where runs are carried out: side by side on this machine, for skinfw."""
