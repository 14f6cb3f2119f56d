"""A running receiver → what follows it in a terminal or a pipeline."""
