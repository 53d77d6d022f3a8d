"""Measuring what a journey costs each tier: storms at many rates, over several fresh starts."""
