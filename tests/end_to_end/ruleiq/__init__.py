"""ruleiq from nothing: an application that exposes what its guardrails read, and the stack around it."""
