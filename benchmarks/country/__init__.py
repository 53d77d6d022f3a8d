"""A whole country in dry runs: its schedule, and how punctual a worker is at which load."""
