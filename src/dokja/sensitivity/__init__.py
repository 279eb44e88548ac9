"""Decide again: uncertainty, fragility, replay, amendments, rehearsal."""
