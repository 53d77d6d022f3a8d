"""The substrate `hetzner`: servers of Hetzner Cloud."""
