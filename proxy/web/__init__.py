"""The edge: HTTP in, HTTP out.  Thin: it reads requests, asks the service and writes answers."""
