"""How long it takes from a breach to a rollback: the figures in docs/explanation/benchmarks.md, measured on real servers."""
