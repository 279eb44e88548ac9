"""A `map` over work, and speaking to a model."""
