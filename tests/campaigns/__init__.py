"""Attacks in numbers: each campaign tries many broken or hostile things and counts what came.

`python -m tests.campaigns` lists them, `python -m tests.campaigns NAME` runs one whole and prints
its line of figures; the tests run a sample of each. `--seed` draws others, `--only N` repeats one.
"""
