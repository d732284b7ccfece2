"""Guided dump and restore: a pure machine, its plan, its executor and its journal."""
