from handrail.declare import Environment

production = Environment("production", runbooks="https://runbooks.example", dashboards="https://dashboards.example")
