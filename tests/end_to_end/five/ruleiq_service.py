"""ruleiq: the example application itself, people who ask it, and an Unleash that holds the two flags of its newest features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

import httpx
import servers
from apis.serving import Api, Request
from apis.unleash import Unleash
from handrail.declare import Targets
from starlette.responses import Response

from end_to_end.demo.stack import TESTS

from .cast import Cast, Played
from .exporters import again_and_again

FLAGS = ("recommendations-v2", "bulk-import")
AT_ONCE = 8


class Flags(Api):
    """An Unleash with several features, each answered as the recorded one is."""

    token = Unleash.token

    def __init__(self, project: str, *features: str) -> None:
        super().__init__()
        self.project, self.features = project, {name: Unleash() for name in features}

    def on(self, feature: str) -> bool:
        """Whether it is on in production."""
        return self.features[feature].on["production"]

    def answer(self, request: Request) -> Response:
        place = "/api/admin/projects/default/"
        path = request.path.replace(f"/projects/{self.project}/", "/projects/default/")
        for name, recorded in self.features.items():
            if f"{place}features/{name}" in path:
                asked = path.replace(f"features/{name}", "features/fast-path")
                answer = recorded.answer(Request(request.method, asked, request.headers, request.json, b""))
                body = bytes(answer.body).replace(b'"fast-path"', f'"{name}"'.encode())
                body = body.replace(b'"project":"default"', f'"project":"{self.project}"'.encode())
                return Response(body, answer.status_code, media_type=answer.media_type)
        asked_of = next(iter(self.features.values()))
        for one in asked_of.permissions:
            one["project"] = self.project
        return asked_of.answer(Request(request.method, path, request.headers, request.json, b""))


@contextmanager
def runs(folder: Path) -> Iterator[Cast]:
    """The application with both flags on, and people who make reports and sign in."""
    address, fails, numbers = servers.free_address(), [False], count()
    asks = {"ADDRESS": address, "PYTHONPATH": str(TESTS)}
    with ExitStack() as started:
        flags = started.enter_context(Flags("ruleiq", *FLAGS))
        started.enter_context(
            servers.application(
                folder, "end_to_end.ruleiq.app", name="application", address=address, env=asks
            )
        )
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
        names = ("SLACK_TOKEN", "PAGERDUTY_RULEIQ_KEY", "TICKETS_SIGNING_KEY", "STATUS_PAGE_TOKEN")
        yield Cast(
            scrape=[Targets("ruleiq", [address])],
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
    page="RuleiqErrorRateCritical",
    stages=1,
)
