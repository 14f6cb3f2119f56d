"""The plan → words and tables for people."""
