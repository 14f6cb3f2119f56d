"""An attempt, its runs and what holds it → the state that it is in, and what may happen there."""
