"""Which plugins are installed and what each offers, as names; nothing that is named is imported.

The recipe, the command line and what lies above may import it; it must stay light, for every
command waits for it. No torch.
"""
