"""A local page and an OpenAPI around the network of a run."""
