"""Generated rules → rules with one thing wrong, to see whether their generated tests notice.

PYTHONPATH=tests .venv/bin/python -m mutation --rollout checkout
"""
