"""Pure decisions: no I/O, no clock, no environment, no threads, no pyvips at import."""
