"""Findings and decisions as pages and pictures; the one catalogue of sentences, Korean and English."""
