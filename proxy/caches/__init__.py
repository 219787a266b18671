"""Cache tiers: memory of the process, disk of the node.  All are bounded by bytes and best effort."""
