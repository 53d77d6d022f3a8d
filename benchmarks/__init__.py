"""Benchmarks: measurements side by side, each with its written result in docs/benchmarks/."""
