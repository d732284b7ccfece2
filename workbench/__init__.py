"""A workbench for checkpointing and restoring processes with live TCP connections."""

__version__ = "0.1.0"
