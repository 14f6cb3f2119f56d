"""What several lints need; none of it is a lint."""
