"""Stored number types: how the bytes of a tensor become numbers."""
