"""The audit: whether what pupils were told was stored is there, byte for byte."""
