"""Hosts that exist already: who they are, what they must have, and how they are adopted."""
