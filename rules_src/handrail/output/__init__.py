"""{path: text} → generated/, or what would change in it."""
