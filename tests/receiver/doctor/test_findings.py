"""What servers answered → what `handrail doctor` says of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from handrail.contract import GroupFacts, Playbook, RuleFacts, rules_digest
from handrail_receiver.decide.admission import test_alert as on_test_alert
from handrail_receiver.doctor.ages import ONE_AGE, of_receiver, of_rules
from handrail_receiver.doctor.delivery import (
    AlertmanagersAnswer,
    alert,
    arrived,
    figure,
    of_alertmanagers,
    of_heartbeat,
)
from handrail_receiver.doctor.doctor_command import exit_code, line, summary
from handrail_receiver.doctor.exposed import highest_of
from handrail_receiver.doctor.findings import Finding, Health, failed, ok, unknown
from handrail_receiver.doctor.scraping import ScrapeTarget, of_jobs
from handrail_receiver.model import Decision, Signal, Verdict
from handrail_receiver.outside.prometheus_history import LoadedRules

GENERATED = Path(__file__).parents[3] / "generated"
RULEIQ = Playbook.model_validate_json((GENERATED / "playbook/ruleiq.json").read_text())
RULES = (GroupFacts("ruleiq/error-rate", 30, (RuleFacts("a", "up"), RuleFacts("b", "up == 0", alert=True))),)
PLAYBOOK = RULEIQ.model_copy(update={"rules_digest": rules_digest(RULES)})
LOADED = LoadedRules("/rules/ruleiq.yml", RULES)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_each_job_is_up_or_down_or_waited_for_or_not_there() -> None:
    url = "http://ruleiq.internal:8000/metrics"
    targets = [
        ScrapeTarget(scrapePool="up", health="up"),
        ScrapeTarget(scrapePool="up", health="up"),
        ScrapeTarget(scrapePool="down", health="up"),
        ScrapeTarget(scrapePool="down", scrapeUrl=url, health="down", lastError="connection refused"),
        ScrapeTarget(scrapePool="new", scrapeUrl=url, health="unknown"),
    ]
    assert list(of_jobs(["up", "down", "new", "gone"], targets)) == [
        ok("target up", "2 up"),
        failed(
            "target down",
            f"{url}: connection refused",
            "see 'Prometheus cannot scrape' in `handrail docs troubleshooting`",
        ),
        unknown("target new", f"{url} was not scraped yet", "ask again in a minute"),
        failed(
            "target gone",
            "Prometheus has no target of this job",
            "load the generated prometheus.yml, or merge scrape_configs.yml into yours; then reload Prometheus",
        ),
    ]


def test_rules_are_loaded_once_and_unchanged_or_that_is_said() -> None:
    changed = replace(LOADED, groups=(replace(RULES[0], interval=60),))
    said = [of_rules(PLAYBOOK, loaded) for loaded in ([LOADED], [], [changed], [LOADED, LOADED])]
    assert [(one.health, one.text) for one in said] == [
        (Health.ok, "2 loaded, unchanged"),
        (Health.failed, "Prometheus has loaded none of them"),
        (Health.failed, "Prometheus has loaded others than were generated"),
        (Health.failed, "they are loaded 2 times: /rules/ruleiq.yml, /rules/ruleiq.yml"),
    ]


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (
            {"unknown": "", "other_rules": ""},
            ok(
                "ruleiq: receiver", "its playbook and Prometheus' rules are from the same `handrail generate`"
            ),
        ),
        ({"unknown": "", "other_rules": "they differ"}, failed("ruleiq: receiver", "they differ", ONE_AGE)),
        (
            {"unknown": "no answer", "other_rules": ""},
            unknown(
                "ruleiq: receiver", "no answer", "let the receiver reach Prometheus (HANDRAIL_PROMETHEUS)"
            ),
        ),
        (
            {"error": "no rollout ruleiq"},
            failed(
                "ruleiq: receiver",
                "no rollout ruleiq",
                "give the receiver the generated playbooks (HANDRAIL_PLAYBOOKS)",
            ),
        ),
    ],
)
def test_receiver_and_rules_are_of_one_age_or_that_is_said(now: dict[str, str], said: Finding) -> None:
    assert list(of_receiver(RULEIQ, now)) == [said]


@pytest.mark.parametrize(
    ("phase", "health", "text"),
    [
        ("guarding", Health.ok, "it is guarding"),
        ("rolling-back", Health.ok, "it is rolling-back"),
        ("none", Health.failed, "It waits."),
        ("rolled-back", Health.failed, "it is rolled-back, and nothing that fires is acted on. It waits."),
    ],
)
def test_a_rollout_without_stages_is_guarded_or_that_is_said(phase: str, health: Health, text: str) -> None:
    now = {"unknown": "", "other_rules": "", "phase": phase, "waits_for": "It waits."}
    _, found = of_receiver(RULEIQ, now)
    assert (found.what, found.health, found.text) == ("ruleiq: guarded", health, text)
    staged = Playbook.model_validate_json((GENERATED / "playbook/checkout.json").read_text())
    assert len(list(of_receiver(staged, now))) == 1


def test_prometheus_knows_an_alertmanager_or_none() -> None:
    knows = (
        '{"status": "success", "data": {"activeAlertmanagers": [{"url": "http://am:9093/api/v2/alerts"}]}}'
    )
    none = '{"status": "success", "data": {"activeAlertmanagers": []}}'
    known = [of_alertmanagers(AlertmanagersAnswer.model_validate_json(said)) for said in (knows, none)]
    assert [(one.health, one.text) for one in known] == [
        (Health.ok, "http://am:9093/api/v2/alerts"),
        (Health.failed, "Prometheus knows no Alertmanager"),
    ]


def test_a_heartbeat_is_fresh_or_old_or_unheard_of() -> None:
    pages = ("handrail_heartbeat_age_seconds 12.0\n", "handrail_heartbeat_age_seconds 301.0\n", "up 1\n")
    assert [(one.health, one.text) for one in map(of_heartbeat, pages)] == [
        (Health.ok, "the heartbeat is at most 12 s old"),
        (Health.failed, "no heartbeat for 301 s"),
        (Health.unknown, "the receiver's metrics do not say how old the heartbeat is"),
    ]
    started = of_heartbeat("handrail_heartbeat_timestamp_seconds 0.0\n" + pages[0])
    assert (started.health, started.text) == (
        Health.unknown,
        "no heartbeat came yet, 12 s after the receiver's start",
    )
    refused = 'handrail_notifications_total{result="unauthorized"} 12.0\n'
    assert "12 deliveries were refused with 401" not in of_heartbeat(pages[0] + refused).text
    wrong = of_heartbeat(pages[1] + refused)
    assert (wrong.health, wrong.text, wrong.cure) == (
        Health.failed,
        "no heartbeat for 301 s; 12 deliveries were refused with 401 since the receiver's start",
        (
            "give Alertmanager's `credentials_file` the token of the role alertmanager, and reload it; "
            "else see 'Alerts do not fire' in `handrail docs troubleshooting`"
        ),
    )
    assert figure('a{b="c"} 1\na 2\n', "a") == 2.0


def test_the_highest_bucket_that_ends_counts_and_without_one_none_is_high_enough() -> None:
    ends = [{"le": "0.5"}, {"le": "+Inf"}, {"le": "2.0"}, {}]
    assert (highest_of(ends), highest_of([])) == (2.0, float("-inf"))


def test_the_test_alert_is_of_a_known_rollout_and_asks_for_nothing() -> None:
    sent = alert(RULEIQ, NOW)
    labels = sent["labels"]
    assert isinstance(labels, dict)
    assert labels.pop("service").startswith("handrail-test-")
    text = "sent by `handrail doctor --send-alert`; nothing is wrong, and nothing follows from it"
    assert sent == {
        "labels": {
            "alertname": "HandrailTest",
            "rollout": "ruleiq",
            "action": "investigate",
            "severity": "none",
            "environment": "production",
        },
        "annotations": {"summary": text, "description": text},
        "startsAt": "2026-03-01T12:00:00+00:00",
        "endsAt": "2026-03-01T12:02:00+00:00",
    }


@pytest.mark.parametrize("firing", [True, False])
def test_nothing_follows_from_a_test_alert_whatever_else_it_says(firing: bool) -> None:
    claims = {
        "alertname": "HandrailTest",
        "rollout": "ruleiq",
        "guardrail": "error-rate",
        "tier": "critical",
        "action": "rollback",
    }
    reasons = {
        True: ("test-alert", "the test alert of `handrail doctor` arrived; it triggers nothing"),
        False: ("test-alert-ended", "the test alert of `handrail doctor` ended"),
    }
    assert on_test_alert(Signal(firing=firing, labels=claims)) == Decision(Verdict.note, *reasons[firing])


def test_a_test_alert_has_arrived_when_the_receiver_says_a_new_instant() -> None:
    pages = iter(["handrail_test_alert_timestamp_seconds 5\n", "handrail_test_alert_timestamp_seconds 9\n"])

    async def page() -> str:
        return next(pages)

    async def old() -> str:
        return "handrail_test_alert_timestamp_seconds 5\n"

    said = [
        asyncio.run(arrived(before, ask, 0, longest))
        for before, ask, longest in ((5.0, page, 60), (5.0, old, 0.01), (None, old, 60))
    ]
    assert [(one.health, one.text) for one in said] == [
        (Health.ok, "it reached the receiver after 0 s; nothing follows from it"),
        (Health.failed, "it did not reach the receiver within 0.01 s"),
        (Health.unknown, "the receiver has no handrail_test_alert_timestamp_seconds"),
    ]


def test_a_failure_counts_more_than_what_nobody_knows() -> None:
    well, bad, open_ = ok("a", "up"), failed("b", "down", "start it"), unknown("c", "?", "ask again")
    assert [exit_code(seen) for seen in ([well], [well, open_], [open_, bad], [])] == [0, 3, 1, 0]
    assert list(map(line, (well, bad, open_))) == [
        "ok       a: up",
        "FAILED   b: down\n         → start it",
        "unknown  c: ?\n         → ask again",
    ]
    assert summary([well, well, bad]) == "2 ok, 1 FAILED"
