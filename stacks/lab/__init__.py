"""The substrate `lab`: hosts on this machine."""
