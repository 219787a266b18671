"""The use case: decides order and owns waiting.  It knows only ``ports``, never an adapter."""
