"""The simulator against SimPy, and a whole Bavarian morning."""
