"""Whoever comes through a proxy is believed from the declared addresses, and from no other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from guarded import guarded, playbook
from handrail_receiver.access.proxies import Proxies, networks_of, roles_of
from handrail_receiver.access.tokens import MAY
from handrail_receiver.errors import WrongSettings
from handrail_receiver.read_settings import read_settings
from starlette.datastructures import Headers

PROXIES = Proxies(
    networks_of(["10.0.0.5", "10.1.0.0/24", "fd00::5"])[0],
    certificate_header="x-client-subject",
    roles=roles_of(["sre=operator", "leads=approver:lead", "security=approver:security", "all=viewer"])[0],
)
ALICE = [("X-Forwarded-User", "alice"), ("X-Forwarded-Groups", "sre, leads")]


def caller(peer: str, sent: Sequence[tuple[str, str]]) -> tuple[str, list[str]] | None:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in sent]
    found = PROXIES.caller(peer, Headers(raw=raw))
    return None if found is None else (found.name, sorted(found.may))


@pytest.mark.parametrize("peer", ["10.0.0.5", "10.1.0.77", "::ffff:10.0.0.5", "fd00::5"])
def test_a_person_has_the_roles_of_their_groups(peer: str) -> None:
    assert caller(peer, ALICE) == ("alice", ["approver", "operator", "viewer"])


@pytest.mark.parametrize("peer", ["10.0.0.6", "127.0.0.1", "10.2.0.1", "", "unix", "fd00::6"])
def test_from_any_other_address_the_headers_count_for_nothing(peer: str) -> None:
    assert caller(peer, ALICE) is None


@pytest.mark.parametrize(
    "sent",
    [
        [],
        [("X-Forwarded-User", "")],
        [("X-Forwarded-User", "alice"), ("X-Forwarded-User", "root")],
        [("X-Forwarded-User", "a\x07lice")],
        [("X-Forwarded-User", "a" * 201)],
        [("X-Forwarded-Groups", "sre")],
    ],
)
def test_what_is_doubtful_is_nobody(sent: Sequence[tuple[str, str]]) -> None:
    assert caller("10.0.0.5", sent) is None


def test_somebody_in_no_group_that_may_anything_may_nothing() -> None:
    assert caller("10.0.0.5", [("X-Forwarded-User", "eve"), ("X-Forwarded-Groups", "sales,sr")]) == (
        "eve",
        [],
    )


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("CN=alice,OU=sre,O=Example", ("alice", ["operator", "viewer"])),
        ("OU=all, OU=sre, CN=bob", ("bob", ["operator", "viewer"])),
        ("O=Example,OU=sre", None),
        ("CN=alice,CN=root,OU=sre", None),
        ("CN=alice\\,OU=sre", None),
        ('CN="alice,OU=sre"', None),
        ("CN=eve+OU=sre", None),
    ],
)
def test_of_a_client_certificate_the_name_is_its_cn_and_the_groups_are_its_ous(
    subject: str, found: tuple[str, list[str]] | None
) -> None:
    assert caller("10.0.0.5", [("X-Client-Subject", subject)]) == found


def test_a_member_of_two_approving_groups_approves_as_either_and_as_nobody_else() -> None:
    headers = Headers({"x-forwarded-user": "alice", "x-forwarded-groups": "leads,security"})
    found = PROXIES.caller("10.0.0.5", headers)
    assert found is not None
    assert [found.approves_as(role) for role in ("lead", "security", "owner")] == [True, True, False]
    assert {found.approver_as("lead"), found.approver_as("security")} == PROXIES.approvers()


def test_what_is_set_wrongly_is_said() -> None:
    assert networks_of(["0.0.0.0/0", "proxy.example"])[1] == [
        "0.0.0.0/0 is everybody, who could then be anybody; name the proxies",
        "'proxy.example' is neither an address nor a network; write for example 10.0.0.5 or 10.0.0.0/28",
    ]
    assert roles_of(["sre", "sre=root", "bots=alertmanager", "sre=viewer:x"])[1] == [
        f"{one!r} is not GROUP=ROLE; a role is one of viewer, operator, approver, or approver:ROLE"
        for one in ("sre", "sre=root", "bots=alertmanager", "sre=viewer:x")
    ]
    assert MAY["viewer"] == {"viewer"}


def test_the_receiver_says_at_its_start_which_of_these_settings_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tokens").write_text("alertmanager am-1 alertmanagers-own-token\n")
    monkeypatch.setenv("HANDRAIL_TOKENS_FILE", str(tmp_path / "tokens"))
    monkeypatch.setenv("HANDRAIL_PROXIES", "10.0.0.300")
    with pytest.raises(WrongSettings) as said:
        read_settings()
    assert "HANDRAIL_PROXIES: '10.0.0.300' is neither an address" in str(said.value)
    assert "set HANDRAIL_PROXY_ROLES" in str(said.value)


def test_a_person_from_the_proxy_holds_a_rollout_and_one_from_elsewhere_is_nobody(tmp_path: Path) -> None:
    roles = "sre=operator,leads=approver:lead"
    with guarded(tmp_path, playbook(), PROXIES="127.0.0.1", PROXY_ROLES=roles) as shop:
        shop.call("start")

        def ask(path: str, method: str = "GET", **headers: str) -> httpx.Response:
            return shop.ask(
                method, path, "nobody", headers=headers, **({"json": {}} if method == "POST" else {})
            )

        alice = {"X-Forwarded-User": "alice@example.com", "X-Forwarded-Groups": "sre"}
        assert "alice@example.com ·" in ask("/", **alice).text
        assert ask("/api/rollouts/shop/hold", "POST", **alice).json()["text"] == "held by alice@example.com"
        refused = ask("/api/rollouts/shop/approve", "POST", **alice)
        assert (refused.status_code, refused.json()) == (
            403,
            {"error": "alice@example.com may not do that; it needs the role approver"},
        )
        nobody = ask("/", **{"X-Forwarded-User": "eve", "X-Forwarded-Groups": "sales"})
        assert (nobody.status_code, "eve is in no group" in nobody.text) == (403, True)
        assert ask("/").status_code == 401
    with guarded(tmp_path / "other", playbook(), PROXIES="10.0.0.5", PROXY_ROLES=roles) as shop:
        assert shop.ask("GET", "/", "nobody", headers=alice).status_code == 401
