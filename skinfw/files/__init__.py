"""Files replaced in one step, CSV and JSON with the place of every problem, stores, names, pages.

Everybody may import it; it imports errors and interfaces. No torch.
"""
