"""How long it takes from a breach to a rollback: the figures in docs/benchmarks.md, measured on real servers."""
