"""How much the receiver takes, beside Debian's `webhook`: the figures in docs/explanation/benchmarks.md."""
