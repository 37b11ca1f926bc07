"""How edits reach the attention of each family of models, one file for each way of attending."""
