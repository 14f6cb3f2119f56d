"""The pages that a browser judges, by their addresses at a receiver that guards `shop`; each page of the receiver is one."""

PAGES = (
    "/",
    "/?q=nothing-like-it",
    "/rollouts/shop",
    "/rollouts/shop/attempts/1",
    "/rollouts/shop/ask/rollback",
    "/rollouts/shop/ask/promote",
    "/rollouts/shop/ask/check?item=Is%20the%20log%20clean%3F",
    "/rollouts/shop/ask/resume",
    "/rollouts/shop/incidents/shop-1",
    "/rollouts/shop/ask/ack?item=shop-1",
    "/rollouts/shop/ask/note?item=shop-1",
    "/rollouts/shop/ask/close?item=shop-1",
    "/rollouts/shop/incidents/none",
    "/reports/daily",
    "/reports/weekly?rollout=shop",
    "/kill-switch/ask",
    "/rollouts/elsewhere",
)
