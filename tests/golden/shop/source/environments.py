"""Where it runs."""

from handrail.declare import Environment

default = Environment("default", services={"shop": "https://shop.example.com/api/"})
