"""Handrail: declare a rollout's guardrails once; get the rules, tests, dashboards, runbooks and the rollback."""
