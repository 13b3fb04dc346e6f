"""The command line: the frame that finds commands, and those that the core cannot do without.

Each command has a file and is imported only when it is called; the others are plugins. `toolkit`
alone imports this folder. Commands import what is heavy inside their bodies: --help is fast.
No torch.
"""

from skinfw.cli.frame import main

__all__ = ["main"]
