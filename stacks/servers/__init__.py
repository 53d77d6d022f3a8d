"""The substrate `servers`: hosts that exist, adopted."""
