"""Measures and conditions of the plan → PromQL text.

`syntax` reads what people wrote, `counting` and `measures` say what is recorded, `presence` whether it can be seen,
`conditions` when a limit is breached, and `blindness` puts together what is missing.
"""
