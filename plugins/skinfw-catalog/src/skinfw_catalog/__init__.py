"""The JSON Schema of recipes, for skinfw."""
