"""A zoo of tiny trained models whose kinship is known, because we trained them.

`corpus` writes the text, `recipes` says how each model is made and what the truth about it is, `train` makes it.
"""
