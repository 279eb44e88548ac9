"""Rulebook, stage, gate, appeal, support ledger, publication."""
