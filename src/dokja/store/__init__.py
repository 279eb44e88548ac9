"""Append-only memory: events, blobs, and a transparency log."""
