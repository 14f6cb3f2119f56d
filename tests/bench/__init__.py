"""The measurements in docs/explanation/benchmarks.md: each prints what it compares, side by side, from one run."""
