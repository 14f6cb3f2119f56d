"""Measures and conditions of the plan → PromQL text, and what can be read out of PromQL that somebody wrote.

`syntax` reads what people wrote and `result_labels` which labels its result has; `windows`, `counting`, `increments` and
`values` say what is recorded, `presence` whether it can be seen, `comparisons` when a limit is breached, and `blindness`
puts together what is missing.
"""
