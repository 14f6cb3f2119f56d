"""The receiver: Alertmanager's notifications in, decisions, rollbacks and evidence out."""
