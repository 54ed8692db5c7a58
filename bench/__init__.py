"""Benchmarks: what a batch costs, in ratios to a floor or a baseline of the same run. `make bench` prints them."""
