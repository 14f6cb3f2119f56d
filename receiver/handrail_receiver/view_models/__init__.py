"""The receiver's values → what people and programs read: a summary, a timeline, JSON."""
