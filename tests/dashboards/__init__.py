"""The dashboards of this repository's rollouts: what their sources export, and how they look."""
