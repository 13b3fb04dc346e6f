"""Many runs of one recipe as one thing: grids, lists, seeds, folds and searches."""
