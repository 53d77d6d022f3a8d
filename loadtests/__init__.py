"""The load generator: what a pupil does, when, and what is recorded of it."""
