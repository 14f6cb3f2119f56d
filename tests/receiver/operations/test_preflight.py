"""Before a start and a promotion Prometheus is asked whether the rollout is guarded, and what fires already counts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import servers
from guarded import Guarded, alert, body, guarded, playbook
from guarded.alertmanagers import alertmanager, sends_to
from guarded.playbook import ENVIRONMENT, weights
from guarded.scraped import Application, samples, watched
from handrail.contract import GivenArms, GuardrailFacts, OpenArms, Playbook, StageFacts
from handrail_receiver.errors import Cause
from handrail_receiver.operations.preflight import Preflight, preflight, traffic_of
from handrail_receiver.outside.prometheus import NoPrometheus, PartialData, Sample
from handrail_receiver.words.arms import versions_in_words

DIGEST, OTHER = "0123456789abcdef", "fedcba9876543210"
STAGES = (
    StageFacts(name="10%", weight=0.1, bake=0, enter=weights(10, 90)),
    StageFacts(name="50%", weight=0.5, bake=0, enter=weights(50, 50)),
)
AGE = f"the playbook ({DIGEST}) are of different versions; load both from one `handrail generate`"
CURE = "wait or fix it, or say --anyway and --why"
WHO = {"rollout": "shop", "service": "shop", "environment": "production", "guardrail": "error-rate"}
KEEPS = "60s"


def book(needs: Sequence[Sequence[str]] = (("requests",),)) -> Playbook:
    """A playbook that was made with the rules of this digest, and that looks at `requests`."""
    given = playbook(stages=STAGES, rules_digest=DIGEST, environment=ENVIRONMENT)
    [errors, *others] = given.guardrails
    tiers = tuple(tier.model_copy(update={"expr": f"{tier.tier} == 1"}) for tier in errors.tiers)
    looks = GuardrailFacts(name=errors.name, tiers=tiers, needs=tuple(map(tuple, needs)))
    return given.model_copy(update={"guardrails": (looks, *others)})


def rules(digest: str = DIGEST, rollout: str = "shop", environment: str = "production") -> str:
    """A critical alert and a blind one, each while a metric is 1, in rules of an age."""
    info = {"rollout": rollout, "environment": environment, "digest": digest}
    tiers = {"critical": "rollback", "blind": "hold", "warning": "investigate"}
    alerts = [
        {
            "alert": f"ShopErrorRate{tier.capitalize()}",
            "expr": f"{tier} == 1",
            "keep_firing_for": KEEPS if action == "rollback" else "0s",
            "labels": {**WHO, "tier": tier, "severity": tier, "action": action},
        }
        for tier, action in tiers.items()
    ]
    other = {**WHO, "environment": "staging", "tier": "critical", "action": "rollback"}
    escalated = {**WHO, "tier": "critical", "level": "manager", "action": "investigate"}
    shadow = {**WHO, "tier": "critical", "action": "rollback", "mode": "shadow"}
    silent = [
        {"alert": f"Always{number}", "expr": "vector(1)", "labels": labels}
        for number, labels in enumerate((other, escalated, shadow))
    ]
    beat = {"alert": "HandrailHeartbeat", "expr": "vector(1)", "labels": {**WHO, "guardrail": "heartbeat"}}
    record = {"record": "handrail:rules:info", "expr": "vector(1)", "labels": info}
    group = {"name": "shop", "interval": "250ms", "rules": [*alerts, *silent, beat, record]}
    return json.dumps({"groups": [group]})


@contextmanager
def looking(
    folder: Path, given: Playbook, written: str, **values: float
) -> Iterator[tuple[Guarded, Application]]:
    """A receiver that asks a real Prometheus with these rules, which has evaluated them."""
    known = {"requests": 1.0, "critical": 0.0, "blind": 0.0, "warning": 0.0, **values}
    wanted = {f"ShopErrorRate{tier.capitalize()}" for tier in values} | {"HandrailHeartbeat"}
    with (
        watched(folder, known, rules=written) as application,
        guarded(folder, given, PROMETHEUS=application.url) as shop,
    ):
        servers.until(lambda: wanted <= application.firing(), "the rules to be evaluated")
        yield shop, application


def test_it_starts_and_goes_on_only_while_nothing_fires_whether_or_not_anybody_was_told(
    tmp_path: Path,
) -> None:
    with looking(tmp_path, book(), rules()) as (shop, application):

        def said(verb: str, tier: str, *, fires: bool) -> str:
            application.values[tier] = float(fires)
            alert = f"ShopErrorRate{tier.capitalize()}"
            servers.until(lambda: (alert in application.firing()) == fires, f"{alert} to fire: {fires}")
            text: str = shop.call(verb)["text"]
            return text

        assert said("start", "warning", fires=True) == f"error-rate/warning fires; {CURE}"
        assert shop.weights() == (10, 90)
        assert said("start", "warning", fires=False) == "a new attempt, in stage 10%"
        assert said("promote", "blind", fires=True) == f"error-rate/blind fires; {CURE}"
        assert said("promote", "blind", fires=False) == "into stage 50%"


def test_nor_does_it_while_prometheus_does_not_answer(tmp_path: Path) -> None:
    nobody = f"http://{servers.free_address()}"
    with guarded(tmp_path, book(), PROMETHEUS=nobody) as shop:
        answer = shop.call("start")
        assert answer["text"] == (
            f"Prometheus does not answer: Prometheus at {nobody} cannot be reached: Connection refused; "
            f"start it, or correct HANDRAIL_PROMETHEUS; {CURE}"
        )
        assert shop.call("start", anyway=True, why="I watch it")["verdict"] == "act"
        assert shop.call("promote")["text"].startswith("Prometheus does not answer: ")


def test_what_fires_when_an_attempt_begins_counts_for_it_though_nobody_sends_it(tmp_path: Path) -> None:
    """No Alertmanager is there. What only keeps firing is asked about; the next time it is so, it is rolled back."""
    with looking(tmp_path, book(), rules(), critical=1.0) as (shop, application):
        application.values["critical"] = 0
        servers.until(lambda: not samples(application.url, "critical == 1"), "the breach to be over")
        answer = shop.call("start", anyway=True, why="it is fixed")
        assert answer["text"] == (
            "a new attempt, in stage 10%, although error-rate/critical fires (says operator-1: it is fixed)"
        )
        shop.until("rollback", "withdrawn")
        assert shop.weights() == (10, 90)
        shop.call("rollback")
        shop.until("rollback", "done")
        application.values["critical"] = 1
        servers.until(lambda: bool(samples(application.url, "critical == 1")), "the breach")
        shop.call("start", anyway=True, why="it is fixed")
        shop.until("rollback", "done")
        assert (shop.weights(), shop.status()["attempt"]["number"]) == ((0, 100), 2)


def test_an_alertmanager_that_says_nothing_anew_is_asked_when_an_attempt_begins(tmp_path: Path) -> None:
    address = servers.free_address()
    by_hand = playbook(stages=STAGES)
    with guarded(tmp_path, by_hand, ALERTMANAGERS=f"http://{address}", ASK_EVERY="3600") as shop:
        config = sends_to(f"{shop.server.url}/webhooks/alertmanager", repeat_interval="1h")
        with alertmanager(tmp_path, "0.25", config, address) as sender:
            shop.call("start")
            sender.say(firing=True)
            shop.until("rollback", "done")
            refused = shop.call("start")
            assert refused["text"] == f"error-rate/critical fires; {CURE}"
            assert shop.call("start", anyway=True, why="fixed")["verdict"] == "act"
            shop.until("rollback", "done")
            assert shop.weights() == (0, 100)


def test_a_guardrail_that_sees_again_holds_nothing_and_every_other_hold_stays(tmp_path: Path) -> None:
    with guarded(tmp_path, playbook(stages=STAGES)) as shop:
        shop.call("start")
        reasons = ["its metrics are missing", "nobody reports the stage"]
        shop.deliver(body(*(alert(tier="blind", reason=one) for one in reasons)))
        servers.until(lambda: shop.status()["attempt"]["held"] == "error-rate cannot see", "the hold")
        shop.deliver(body(alert(tier="blind", status="resolved", reason=reasons[0])))
        assert shop.call("promote")["text"] == f"held: error-rate cannot see; error-rate/blind fires; {CURE}"
        shop.deliver(body(alert(tier="blind", status="resolved", reason=reasons[1])))
        servers.until(lambda: shop.status()["attempt"]["held"] == "", "the hold to end")
        shop.call("hold", why="wait for me")
        shop.deliver(body(alert(tier="blind", reason=reasons[0])))
        shop.deliver(body(alert(tier="blind", status="resolved", reason=reasons[0])))
        refused = f"held: operator-1: wait for me; {CURE}"
        servers.until(lambda: shop.call("promote")["text"] == refused, "the resolve to be decided")


class Known:
    """Knows the samples of a few expressions, and of all that begin with one."""

    def __init__(self, known: Mapping[str, Sequence[Sample]]) -> None:
        self.known = known

    async def samples(self, expr: str) -> list[Sample]:
        return [one for start, these in self.known.items() if expr.startswith(start) for one in these]

    async def values(self, expr: str) -> list[float]:
        return [sample.value for sample in await self.samples(expr)]


def loaded(*digests: str) -> dict[str, list[Sample]]:
    """A Prometheus that has rules of these ages, and has seen requests."""
    return {
        'handrail:rules:info{rollout="shop",environment="production"}': [
            Sample(1, {"digest": digest, "replica": str(number)}) for number, digest in enumerate(digests)
        ],
        "count(requests)": [Sample(3)],
    }


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("known", "problems"),
    [
        (loaded(DIGEST), ()),
        (loaded(DIGEST, DIGEST), ()),
        (loaded(), ("Prometheus has no rules of shop; load prometheus/rules/shop.yml",)),
        (loaded(OTHER), (f"the rules that Prometheus has loaded ({OTHER}) and {AGE}",)),
        (loaded(DIGEST, OTHER), (f"the rules that Prometheus has loaded ({DIGEST}, {OTHER}) and {AGE}",)),
    ],
    ids=["the same", "twice the same", "none", "others", "one replica has others"],
)
async def test_the_rules_are_of_the_playbook_s_age(
    known: dict[str, list[Sample]], problems: tuple[str, ...]
) -> None:
    found = await preflight(Known(known), book())
    assert (found.problems, found.fires.sure) == (problems, not problems)


@pytest.mark.anyio
async def test_a_prometheus_with_the_rules_of_two_environments_guards_neither() -> None:
    others = [Sample(1, {"environment": name, "digest": OTHER}) for name in ("staging", "dev", "dev")]
    shared = loaded(DIGEST) | {'handrail:rules:info{rollout="shop",environment!~"|production"}': others}
    said = (
        "Prometheus has rules of shop for dev, staging too, and they record the same series: "
        "their values cannot be told apart; let each Prometheus have the rules of one environment"
    )
    found = await preflight(Known(shared), book())
    assert (found.problems, found.causes) == ((said,), (said,))


@pytest.mark.anyio
async def test_a_playbook_that_does_not_know_its_rules_asks_for_none_and_is_sure_of_nothing() -> None:
    found = await preflight(
        Known({"count(requests)": [Sample(3)]}), book().model_copy(update={"rules_digest": ""})
    )
    assert (found.problems, found.fires.sure) == ((), False)


@pytest.mark.anyio
async def test_a_guardrail_in_force_must_have_been_seen_of_late() -> None:
    known = loaded(DIGEST) | {"count(last_over_time(seldom[1d]))": [Sample(1)]}
    given = book((("requests", "never"), ("seldom",), ("reqests", "never"), ("size",)))
    assert (await preflight(Known(known), given)).problems == (
        "error-rate: reqests or never has not been seen within 1d: nothing can be judged by it",
        "error-rate: size has not been seen within 1d: nothing can be judged by it",
    )
    shadows = tuple(tier.model_copy(update={"shadow": True}) for tier in given.guardrails[0].tiers)
    watches = given.guardrails[0].model_copy(update={"tiers": shadows})
    assert (await preflight(Known(known), given.model_copy(update={"guardrails": (watches,)}))).problems == ()


@pytest.mark.anyio
async def test_no_answer_is_a_reason_of_its_own_also_where_no_prometheus_is_set() -> None:
    found = await preflight(NoPrometheus(), book())
    assert found.problems == ("Prometheus does not answer: no Prometheus is set; set HANDRAIL_PROMETHEUS",)
    assert (found.causes, found.fires.sure) == (("Prometheus: missing",), False)
    by_hand = book().model_copy(update={"rules_digest": ""})
    assert await preflight(NoPrometheus(), by_hand) == Preflight()


@pytest.mark.anyio
async def test_an_answer_of_which_a_part_is_missing_is_none_for_a_playbook_that_knows_its_rules() -> None:
    class Partly(Known):
        async def samples(self, expr: str) -> list[Sample]:
            raise PartialData(Cause.broken, f"a part of {expr[:6]}")

    found = await preflight(Partly({}), book())
    assert found.problems == ("Prometheus does not answer: a part of handra",)
    by_hand = book().model_copy(update={"rules_digest": ""})
    assert await preflight(Partly({}), by_hand) == Preflight()


def release() -> Playbook:
    """A playbook that looks at requests by version, with those of a release."""
    needs = ('requests{version="${stable}"}', 'requests{version="${canary}"}')
    given = book((needs,)).model_copy(update={"arms": OpenArms(label="version")})
    return given.with_versions("v44", "v43")


@pytest.mark.anyio
async def test_the_stable_version_must_have_been_seen_and_the_canary_may_come_later() -> None:
    stable = loaded(DIGEST) | {'count(requests{version="v43"})': [Sample(3)]}
    assert (await preflight(Known(stable), release())).problems == ()
    canary = loaded(DIGEST) | {'count(requests{version="v44"})': [Sample(3)]}
    assert (await preflight(Known(canary), release())).problems == (
        (
            'no series with version="v43" has been seen within 1d: give the version that runs as --stable, '
            "or correct what the series are labelled with"
        ),
    )


@pytest.mark.anyio
async def test_what_is_kept_firing_of_the_version_before_is_nothing_against_the_next() -> None:
    def fires(version: str) -> Sample:
        return Sample(1, {**WHO, "tier": "critical", "arm": "canary", "version": version})

    seen = loaded(DIGEST) | {'count(requests{version="v43"})': [Sample(3)]}
    before = seen | {'ALERTS{alertstate="firing"': [fires("v42")]}
    this = seen | {'ALERTS{alertstate="firing"': [fires("v44")]}
    assert (await preflight(Known(before), release())).fires.sources == ()
    assert (await preflight(Known(this), release())).fires.sources == ("error-rate/critical",)


@pytest.mark.anyio
async def test_a_start_says_what_each_version_has_of_the_traffic() -> None:
    given = OpenArms(label="version", traffic='sum(rate(x{version="${canary}"}[1m]))')
    arms = book().model_copy(update={"arms": given}).with_versions("v44", "v43").arms
    assert isinstance(arms, GivenArms)
    assert arms.traffic == ('sum(rate(x{version="v44"}[1m]))', 'sum(rate(x{version="v43"}[1m]))')
    known = Known({'sum(rate(x{version="v43"}[1m]))': [Sample(49.98)]})
    assert await traffic_of(known, arms) == ("no events yet", "50 events/s")
    assert await traffic_of(NoPrometheus(), arms) == ("unknown", "unknown")
    assert versions_in_words(arms, ("no events yet", "50 events/s")) == (
        "canary v44 (no events yet), stable v43 (50 events/s)"
    )
