"""The engine: the only place in the core where torch lives."""
