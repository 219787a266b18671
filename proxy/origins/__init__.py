"""Where originals are only read from: HTTP servers, with the rules for which addresses may be called."""
