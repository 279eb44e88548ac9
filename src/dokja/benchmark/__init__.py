"""Suites, engines, runs and their scores."""
