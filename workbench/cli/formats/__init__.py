"""Output formats of ``check``: each module has ``lines(outcome, style)``; none of them decides the exit status."""
