"""Measurements that docs/benchmarks.md quotes: each prints what it compares, side by side, from one run."""
