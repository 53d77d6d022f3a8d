"""Sizing: the cheapest hosts of a price list that a profile's morning needs."""
