"""Handrail: declare a rollout's guardrails once; get the rules, tests, dashboards, runbooks and the rollback.

`handrail.declare` has the words of a declaration, `handrail.cli` the commands.
"""
