"""Suites, engines, runs, scores, attainment of a target model."""
