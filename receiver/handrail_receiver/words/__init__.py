"""A value → a few plain words, the same in each log, message and page."""
