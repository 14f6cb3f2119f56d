"""HTTP requests of people and Prometheus → the API, the pages, the metrics."""
