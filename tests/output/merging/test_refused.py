"""A file that our routes cannot or must not be merged into → refused by line, with what to do; nothing of theirs is lost."""

from __future__ import annotations

import pytest
from handrail.errors import Refused
from handrail.output.merging.merge_alertmanager import conflicts, merged, without
from output.merging.test_theirs_stay import FRAGMENT, PLAN

PLAIN = """\
route:
  receiver: ops
  routes:
    - receiver: pay
      matchers: [team="pay"]
    - receiver: desk
      matchers: [severity="info"]
    - receiver: shop
      matchers: [service="shop"]
      continue: true
    - receiver: audit
      matchers: [severity!="none"]
    - receiver: pay
      matchers: [team="money"]
receivers:
  - name: ops
  - name: pay
  - name: desk
  - name: shop
  - name: audit
"""


def refusal(text: str, *under: str, fragment: str = FRAGMENT) -> list[str]:
    with pytest.raises(Refused) as caught:
        merged(text, fragment, "production", under, "am.yml")
    return [f"{one.where}: {one.what}; {one.cure}" for one in caught.value.problems]


TWO = "expected a single document in the stream, but found another document"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "am.yml:1: the file cannot be read: it is empty"),
        ("# nothing\n", "am.yml:1: the file cannot be read: it is empty"),
        ("- a\n", "am.yml:1: the file cannot be read: it is no mapping of keys"),
        ("a: [\n", "am.yml:2: the file cannot be read: did not find expected node content"),
        ("a: {{ .Values.route }}\n", "am.yml:1: the file cannot be read: a key is no text"),
        ("a: 1\na: 2\n", "am.yml:2: the file cannot be read: the key 'a' stands twice in one mapping"),
        (f"{PLAIN}---\n{PLAIN}", f"am.yml:21: the file cannot be read: {TWO}"),
        (
            "kind: Secret\nstringData: {}\n",
            "am.yml:1: the file is no configuration of an Alertmanager: it needs a route and receivers with names",
        ),
        (
            "route:\n  receiver: a\n",
            "am.yml:1: the file is no configuration of an Alertmanager: it needs a route and receivers with names",
        ),
    ],
)
def test_what_is_no_configuration(text: str, said: str) -> None:
    [refused] = refusal(text)
    assert refused.partition("; ")[0] == said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  routes:\n    - receiver: pay\n", "  routes: &r\n    - receiver: pay\n", None),
        (
            PLAIN[PLAIN.index("receivers:") :],
            "receivers: [{name: ops}, {name: pay}]\n",
            (
                "am.yml:15: 'receivers' is written in a way that takes no other items; "
                "write it with one item a line (`- …`)"
            ),
        ),
        (
            PLAIN[PLAIN.index("route:") : PLAIN.index("receivers:")],
            "route: {receiver: ops}\n",
            (
                "am.yml:1: the mapping with 'routes' is written between braces; "
                "write it with one item a line (`- …`)"
            ),
        ),
        (
            "  - name: ops\n",
            "  - name: ops\n  - name: production/handrail\n",
            (
                "am.yml:17: a receiver is called "
                "'production/handrail' already, and so is one of ours; rename it; or remove it, with its routes, "
                "if it was put here by hand from generated/"
            ),
        ),
        (
            "route:\n  receiver: ops\n",
            "x: &base\n  routes:\n    - receiver: ops\nroute:\n  <<: *base\n  receiver: ops\n",
            None,
        ),
    ],
)
def test_what_takes_no_items(old: str, new: str, said: str | None) -> None:
    assert old in PLAIN
    text = PLAIN.replace(old, new)
    if said is None:  # what an anchor holds is written out below: nothing is lost
        assert without(merged(text, FRAGMENT, "production", [], "am.yml"), "am.yml") == text
    else:
        assert refusal(text) == [said]


def test_routes_that_come_from_an_alias_are_not_overwritten() -> None:
    text = "x: &base\n  routes:\n    - receiver: ops\nroute:\n  <<: *base\n  receiver: ops\nreceivers:\n  - name: ops\n"
    assert refusal(text) == ["am.yml:5: 'routes' comes from an alias here; write it out"]


def test_a_parent_that_is_not_there_or_is_several() -> None:
    assert refusal(PLAIN, "nobody") == [
        (
            "am.yml:2: no route is known by 'nobody'; "
            "give one of these receivers, or a matcher as it stands there: ops, pay, desk, shop, audit"
        )
    ]
    assert refusal(PLAIN, "pay") == [
        (
            "am.yml:4: several routes are known by 'pay': lines 4, 13; "
            "give --under again, with a matcher that only the right one has"
        )
    ]
    assert refusal(PLAIN, "pay", 'team="other"')[0].startswith(
        "am.yml:2: no route is known by 'pay' and 'team"
    )
    both = merged(PLAIN, FRAGMENT, "production", ["pay", 'team="money"'], "am.yml")
    assert both == merged(PLAIN, FRAGMENT, "production", ['team = "money"'], "am.yml")
    assert both.index("routes: # handrail: added") > both.index("money")


def test_a_parent_that_our_alerts_do_not_come_to_or_do_not_leave() -> None:
    said = conflicts(PLAIN, PLAN, ["shop"], "am.yml")
    more = "as well if Prometheus adds the labels that it looks at"
    elsewhere = "merge under another route, or under the root"
    leave_out = 'merge under another route, or add rollout="" to its matchers'
    assert [str(problem) for problem in said] == [
        f"am.yml:4: warning: this route takes KioskErrorsCritical and 21 more {more}; {leave_out}",
        f"am.yml:6: warning: this route takes ShopEscalationManager and 1 more {more}; {leave_out}",
        f"am.yml:8: error: this route does not take KioskErrorsCritical and 4 more; {elsewhere}",
        f"am.yml:11: error: this route takes KioskErrorsCritical and 17 more as well; {leave_out}",
        f"am.yml:13: warning: this route takes KioskErrorsCritical and 21 more {more}; {leave_out}",
    ]


def test_what_somebody_wrote_between_the_marks_is_not_lost() -> None:
    after = merged(PLAIN, FRAGMENT, "production", [], "am.yml")
    edited = after.replace(
        "- name: production/kiosk/critical", "- name: mine\n  - name: production/kiosk/critical"
    )
    assert edited != after
    [said] = refusal(edited)
    line = edited[: edited.index("begin", edited.index("receivers:"))].count("\n") + 1
    assert said == (
        f"am.yml:{line}: somebody changed what stands between Handrail's marks; move what is yours out of it and "
        "delete the rest, marks included; then run the command again"
    )
    with pytest.raises(Refused):
        without(edited, "am.yml")


@pytest.mark.parametrize("mark", ["begin", "end"])
def test_a_mark_without_its_other_half(mark: str) -> None:
    after = merged(PLAIN, FRAGMENT, "production", [], "am.yml")
    lines = after.splitlines(keepends=True)
    first = next(n for n, line in enumerate(lines) if f"handrail/production: {mark}" in line)
    [said] = refusal("".join([*lines[:first], *lines[first + 1 :]]))
    assert "this mark of Handrail's has lost its other half" in said


def test_a_file_that_a_formatter_indented_anew_is_taken() -> None:
    after = merged(PLAIN, FRAGMENT, "production", [], "am.yml")
    indented = "".join(f"{line}  \n" for line in after.splitlines())
    again = merged(indented, FRAGMENT, "production", [], "am.yml")
    assert [line.rstrip() for line in again.splitlines()] == after.splitlines()


def test_a_key_that_was_added_stays_when_somebody_used_it_meanwhile() -> None:
    after = merged(PLAIN, FRAGMENT, "production", [], "am.yml")
    theirs = "  - {source_match: {a: b}, target_match: {c: d}}\n"
    assert "inhibit_rules: # handrail: added\n" in after
    used = after.rstrip("\n") + "\n" + theirs
    assert without(used, "am.yml") == f"{PLAIN}inhibit_rules: # handrail: added\n{theirs}"
    assert merged(used, FRAGMENT, "production", [], "am.yml") == used
