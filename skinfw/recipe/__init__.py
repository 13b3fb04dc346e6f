"""From a recipe's text to a plan: loading, lines of keys, settings, parameters, components.

Imports `registry` and what lies below. `component` alone imports what names point to. No torch.
"""
