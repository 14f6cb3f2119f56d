"""A request's headers → who is calling, what they may do, and whether they mean us."""
