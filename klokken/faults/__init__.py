"""Faults: what can be broken of a site while pupils work on it, and how each is mended."""
