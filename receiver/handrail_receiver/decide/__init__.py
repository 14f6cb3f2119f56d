"""Notification + playbook + history + now → Decision with its reason. Pure."""
