"""Checks: what a check is, what it says, loading and running the library, ranking by cause."""
