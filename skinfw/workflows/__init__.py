"""One run from beginning to end, and its folder.

Imports everything below; `cli` and `toolkit` alone import it. No torch of its own.
"""
