"""A league table: backbones, losses and samplers on data sets, under one protocol."""
