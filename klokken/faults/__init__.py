"""Faults: what can be broken of a site during an exam, how each is mended, what it did."""
