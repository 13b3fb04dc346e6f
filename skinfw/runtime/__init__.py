"""The machine: device, random streams, signals, memory, threads that work ahead.

Imports settings of `recipe`. torch lives in `device`, `determinism` and `tensor_files`
alone; the other modules are used without.
"""
