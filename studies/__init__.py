"""Long, seeded, resumable experiments whose results are committed."""
