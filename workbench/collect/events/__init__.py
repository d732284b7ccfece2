"""Events of the live host as they happen."""
