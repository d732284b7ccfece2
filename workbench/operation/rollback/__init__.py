"""Checkpoints in memory of a process that runs on, and the way back to one of them (docs/rollback.md)."""
