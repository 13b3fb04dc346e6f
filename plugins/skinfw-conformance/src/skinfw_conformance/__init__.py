"""The conformance kit of plugins as a command, for skinfw."""
