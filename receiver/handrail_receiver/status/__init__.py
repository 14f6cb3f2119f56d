"""What people and Prometheus see of the receiver."""
