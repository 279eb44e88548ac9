"""Who may see what, releases, and what could be computed from them."""
