"""How alike do models become that share a seed and nothing else? The measurement behind `sibling_range.toml`."""
