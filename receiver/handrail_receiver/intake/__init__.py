"""Alertmanager's HTTP request → a delivery in the store's inbox, and its Notification."""
