"""Declarations of every kind, drawn at random: what lint accepts, both promtools and amtool must accept too.

PYTHONPATH=tests .venv/bin/python -m fuzz --accepted 5000
"""
