"""The published audit of the exact arm: how often it accuses the innocent, and what it would have seen."""
