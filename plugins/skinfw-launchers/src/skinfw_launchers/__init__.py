"""Where runs are carried out: on this machine, on Slurm or on Ray, for skinfw."""
