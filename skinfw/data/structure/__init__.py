"""What a file of each image format may cost, told from its structure before it is decoded.

A walk along segments, chunks or tags does not decode a pixel. Where a file runs off its own end the
walk stops: the decoder says it better.
"""
