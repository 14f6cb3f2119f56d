"""What Alertmanager and Prometheus know → what was missed while the receiver was away, as deliveries like any other."""
