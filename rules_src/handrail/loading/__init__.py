"""A source folder → the rollouts and environments it declares, or everything that keeps them from being read."""
