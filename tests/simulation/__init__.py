"""Proof by simulation: do the intervals hold what they promise, and is a planted rise recovered? `make simulate`."""
