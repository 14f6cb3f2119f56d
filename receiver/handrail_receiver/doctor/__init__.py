"""What a running stack must have + what its servers answer → what is well, what is not, and the cure of each."""
