"""Capacity: what requests cost, what a platform is made of, and how it would fare."""
