"""What a command does from beginning to end: a run, an evaluation, a cross-validation.

Imports everything below, and nothing but `cli` imports it.
"""
