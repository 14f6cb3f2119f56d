"""Store and Prometheus → what happened to a rollout in a day or a week, as its team reports it."""
