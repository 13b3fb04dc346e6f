"""skinfw from Python: the functions of `skinfw` that run, check, load and list.

As small as the command line, with the same recipes, errors and numbers. Lies below the command line
alone. No torch here; it is imported when something is computed.
"""
