"""Declarations → Plan: whatever two emitters must agree on is decided here."""

from handrail.lower.plan_rollout import lower

__all__ = ["lower"]
