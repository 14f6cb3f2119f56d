"""Each of the five real rollouts at shortened time, from start to complete and from start to rollback."""
