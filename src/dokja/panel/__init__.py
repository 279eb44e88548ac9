"""Experts and users: ballots, and panels simulated for rehearsals."""
