"""A double of Hetzner Cloud's API, as strict as the real one where a stack can go wrong.

It keeps one project in memory. What it enforces is what Hetzner documents and what its provider
was seen to meet: see docs/clouds.md.
"""
