"""How long sizing takes."""
