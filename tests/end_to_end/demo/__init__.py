"""A bad canary is rolled back while you watch: `make demo`."""
