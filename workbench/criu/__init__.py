"""Finding a CRIU that works on this kernel, making one where there is none, and talking to it."""
