"""Files replaced in one step, CSV files read with the line of every problem, and the pages.

Everybody may import it; it imports errors and interfaces. No torch.
"""
