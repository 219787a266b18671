"""Who may have an answer, and who may read it: signatures, referers, rates and CORS as values and pure functions."""
