"""Files replaced in one step, and CSV files read with the line of every problem.

Everybody may import it; it imports errors and interfaces. No torch.
"""
