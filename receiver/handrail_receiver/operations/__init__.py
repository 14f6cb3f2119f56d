"""What people ask of an attempt, what it may do next, and who carries it out when."""
