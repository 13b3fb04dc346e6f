"""The command line: the frame that finds commands, and those that the core cannot do without.

Each command has a file and is imported only when it is called; the others are plugins. Nothing
imports this folder. Commands import what is heavy inside their bodies, so that --help is fast.
"""

from skinfw.cli.frame import main

__all__ = ["main"]
