"""Files replaced in one step, CSV files with the line of every problem, stores, the pages.

Everybody may import it; it imports errors and interfaces. No torch.
"""
