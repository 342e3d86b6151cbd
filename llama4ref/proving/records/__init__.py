"""Observed runs as measurement records."""
