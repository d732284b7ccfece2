"""Bundles: evidence written into one file that opens like the machine it came from, with nothing private in it."""
