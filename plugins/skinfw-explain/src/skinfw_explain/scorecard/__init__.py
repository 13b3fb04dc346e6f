"""How good explanations are: measures of maps, and what they tell of the explainers of a recipe."""
