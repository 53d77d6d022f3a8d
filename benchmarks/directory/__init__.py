"""The embedded directory of a drive against slapd, side by side while accounts grow in number."""
