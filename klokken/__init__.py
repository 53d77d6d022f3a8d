"""Klokken: ring the 08:00 bell at a school platform and say how large it must be."""

__version__ = "0.1.0"
