"""Experts and users: assignment, blinding, ballots, agreement."""
