"""ruleiq: the example application itself, people who ask it, node_exporter, and an Unleash that holds the two flags of its newest features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

import httpx
import servers
from handrail.declare import Targets

from end_to_end.demo.stack import TESTS

from .cast import Cast, Played
from .exporters import again_and_again, node_exporter
from .flags import Flags

FLAGS = ("recommendations-v2", "bulk-import")
AT_ONCE = 8


@contextmanager
def runs(folder: Path) -> Iterator[Cast]:
    """The application with both flags on, and people who make reports and sign in."""
    address, node, fails, numbers = servers.free_address(), servers.free_address(), [False], count()
    asks = {"ADDRESS": address, "PYTHONPATH": str(TESTS)}
    with ExitStack() as started:
        flags = started.enter_context(Flags("ruleiq", *FLAGS))
        started.enter_context(
            servers.application(
                folder, "end_to_end.ruleiq.app", name="application", address=address, env=asks
            )
        )
        started.enter_context(node_exporter(folder, node))
        people = started.enter_context(
            httpx.Client(base_url=f"http://{address}", timeout=5, trust_env=False, verify=servers.PLAIN)
        )

        def ask() -> None:
            for number in (next(numbers) for _ in range(AT_ONCE)):
                who = {"x-user": f"user-{number % 20}", "x-password": "correct"}
                path = "/login" if number % 10 == 0 else f"/reports/{number}"
                broken = fails[0] and any(map(flags.on, FLAGS)) and number % 4 == 0
                with suppress(httpx.TransportError):  # the server closes the connection of what failed
                    people.request("GET" if broken else "POST", "/broken" if broken else path, headers=who)

        started.enter_context(again_and_again(ask))
        names = (
            "SLACK_TOKEN",
            "PAGERDUTY_RULEIQ_KEY",
            "PAGERDUTY_SECURITY_KEY",
            "TICKETS_SIGNING_KEY",
            "STATUS_PAGE_TOKEN",
        )
        yield Cast(
            scrape=[Targets("ruleiq", [address]), Targets("ruleiq-node", [node])],
            places={"https://unleash.example.com": flags.url},
            secrets={
                **{name: f"{name.lower()}-of-a-test" for name in names},
                "TICKETS_SIGNING_KEY": "whsec_dGhlIGtleSBvZiBhIHRlc3QgdGhhdCBpcyBsb25n",
                "UNLEASH_TOKEN": flags.token,
            },
            target=lambda: " ".join(f"{name}={'on' if flags.on(name) else 'off'}" for name in FLAGS),
            sicken=lambda: fails.__setitem__(0, True),
        )


ruleiq = Played(
    "ruleiq",
    runs,
    shares={},
    before="recommendations-v2=off bulk-import=off",
    sick_in="",
    pages=frozenset({"RuleiqErrorRateFastCritical", "RuleiqErrorRateCritical"}),
    stages=1,
)
