"""By which names the receiver may be spoken to."""

from __future__ import annotations

from pathlib import Path

import pytest
from guarded import guarded
from handrail_receiver.access.hosts import hosts_of

OPEN = hosts_of(("",), everywhere=True)
NAMED = hosts_of(("https://handrail.example:8443/guard",), everywhere=False)
UNNAMED = hosts_of(("",), everywhere=False)


@pytest.mark.parametrize(
    ("host", "refused"),
    [
        ("127.0.0.1:8080", False),
        ("localhost:8080", False),
        ("handrail.localhost", False),
        ("[::1]:8080", False),
        ("evil.example:8080", True),
        ("127.0.0.1.evil.example", True),
        ("evil.example/@127.0.0.1", True),
        ("localhost@evil.example", True),
        ("[::1", True),
        ("", True),
    ],
)
def test_without_tokens_only_this_machine_s_names_are_ours(host: str, refused: bool) -> None:
    paths = ("/", "/rollouts/shop", "/api/rollouts/shop/start", "/webhooks/alertmanager", "/metrics")
    assert {OPEN.refuses(path, host) for path in paths} == {refused}
    assert [OPEN.refuses(path, host) for path in ("/healthz", "/readyz")] == [False, False]


def test_with_tokens_people_look_at_it_by_the_name_that_is_said_and_machines_by_any() -> None:
    pages = ("/", "/rollouts/shop", "/a-page-of-tomorrow")
    calls = ("/metrics", "/webhooks/alertmanager", "/api/rollouts")
    found = {
        host: [NAMED.refuses(path, host) for path in (*pages, *calls)]
        for host in ("handrail.example", "evil.example")
    }
    assert found == {"handrail.example": [False] * 6, "evil.example": [True] * 3 + [False] * 3}
    assert not any(UNNAMED.refuses(path, "handrail.svc") for path in (*pages, *calls))


def test_a_page_whose_name_points_to_us_gets_nothing(tmp_path: Path) -> None:
    with guarded(tmp_path, proxy=False, WITHOUT_TOKENS="true", TOKENS_FILE="") as shop:
        evil = {"host": "evil.example"}
        answers = [
            shop.ask("GET", "/", "nobody", headers=evil),
            shop.ask("POST", "/api/rollouts/shop/rollback", "nobody", json={"why": "x"}, headers=evil),
            shop.ask("GET", "/readyz", "nobody", headers=evil),
            shop.ask("GET", "/", "nobody"),
        ]
    assert [answer.status_code for answer in answers] == [421, 421, 200, 200]
    assert answers[0].json() == {
        "error": "this receiver is not called 'evil.example'; set HANDRAIL_PUBLIC_URL if it is"
    }
