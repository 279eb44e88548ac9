"""Weights as hostile data: open, list, slice, stream; never executed."""
