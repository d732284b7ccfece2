"""One connection handed from a process to another one: planned, carried out, guarded, put right."""
