"""The words of a declaration → how wrong values are refused, and their schema."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import get_args

import pytest
from declared import refusals
from handrail import declare
from handrail.contract import STEP_CLASSES
from handrail.declare import Environment, Rollout
from handrail.declare.measures import Measure
from pydantic import TypeAdapter

LIMITS = "Above(…), AtLeast(…), Below(…), AtMost(…), Rise(…), RisePoints(…), Drop(…), DropPoints(…), Is(…) or Changed(…)"


def _either(words: Sequence[type]) -> str:
    """What may be written: one of these."""
    *others, last = [f"{word.__name__}(…)" for word in words]
    return f"{', '.join(others)} or {last}"


MEASURES, STEPS = _either(get_args(Measure)), _either(STEP_CLASSES)


@pytest.mark.parametrize(
    ("expression", "what"),
    [
        ("Ratio()", "Ratio needs of; add of= with a metric with matchers, like http_requests_total{status=~\"5..\"} or a list of them"),
        ("Ratio([], bad='x')", "Ratio(of) is empty; write a metric with matchers, like http_requests_total{status=~\"5..\"} or a list of them"),
        ("Ratio(['a', 'sum(b)'], bad='x')", "Ratio(of): 'sum(b)' is not a series; write a metric name with matchers, like http_requests_total{status=~\"5..\"}"),
        ("Ratio(of='a')", "Ratio: a ratio has one part over the whole; give either bad= or good="),
        ("Ratio(of='a', bad='b', good='c')", "Ratio: a ratio has one part over the whole; give either bad= or good="),
        ("Ratio(of='a[5m]', bad='b')", "Ratio(of): 'a[5m]' is not a series; write a metric name with matchers, like http_requests_total{status=~\"5..\"}"),
        ("Gauge('x{a=\"1\" or b=\"2\"}')", "Gauge(metric): 'x{a=\"1\" or b=\"2\"}' joins matchers by `or`, which Prometheus does not know; write one pattern"),
        ("Gauge('x{\"a.b\"=\"1\"}')", "Gauge(metric): 'x{\"a.b\"=\"1\"}' matches 'a.b', which Prometheus before 3 refuses; write letters, digits and _"),
        ("Arms('version', canary='v43')", "Arms: stable= is missing; write both values, or none if each start gives them"),
        ("Arms('version', canary='v43', stable='v43')", "Arms: canary and stable are one value; write the two that the label has"),
        ("Arms('version', canary=HttpVersion('https://x/y', '/v'), stable='v42')", "Arms: canary= is read when a start comes, and the other is not; write both values, or none if each start gives them"),
        ("Arms('version', canary=DeploymentVersion('https://k8s', 'shop', 'web', Secret('K8S')))", "DeploymentVersion: a version is read in one place; give either label= or container="),
        ("Arms('arm')", "Arms: the label 'arm' is recorded beside the versions; give the metric a label of another name"),
        ("Rollout('x', 'x', arms=Arms('version'), guardrails=[])", "Rollout: arms= has no values and there are no stages, so no start gives them; write canary= and stable=, or stages"),
        ("Difference('x')", "Difference needs minus; add minus= with a metric with matchers, like http_requests_total{status=~\"5..\"}"),
        ("Count('up', where='== 5m')", "Count(where): '== 5m' is not a comparison with a number; write it like '== 0', '> 0' or '<= 1.5'"),
        ("Age('x', zero='never')", "Age(zero): there is no 'never'; there are: long ago, no data, left out"),
        ("Forecast('x', ahead='0s')", "Forecast(ahead): it must take some time; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("Usage('x', 0)", "Usage(size): 0 is out of range; write a number above 0"),
        ("Guardrail('x', 5)", f"Guardrail(measure): 5 does not go here; write {MEASURES}"),
        ("Guardrail('x', Above(5))", f"Guardrail(measure): Above(…) does not go here; write {MEASURES}"),
        ("Guardrail('x', Ratio)", "Guardrail(measure): Ratio is a class; write Ratio()"),
        ("Guardrail('Error Rate', Gauge('x'))", "Guardrail(name): 'Error Rate' does not fit; write a name of small letters, digits and - between them, like error-rate"),
        (f"Guardrail('{'x' * 64}', Gauge('x'))", "Guardrail(name) is longer than 63 characters; shorten it"),
        ("Guardrail('x', Gauge('x'), tires=[])", "Guardrail has no field 'tires'; did you mean 'tiers'?"),
        ("Guardrail('x', Gauge('x'), tiers=Warning(Above(1)))", "Guardrail(tiers): Warning(…) does not go here; write a list of Warning(…), Critical(…) or Emergency(…)"),
        ("Guardrail('x', Gauge('x'), mode='shadwo')", "Guardrail(mode): there is no 'shadwo'; did you mean 'shadow'?"),
        ("Guardrail('x', Gauge('x'), against=StableArm)", "Guardrail(against): StableArm is a class; write StableArm()"),
        ("Guardrail('x', Gauge('x'), expected='50')", "Guardrail(expected): '50' is not a frequency; write it like 50/s or 100/min"),
        ("Guardrail('x', {'counter': 'errors_total'})", f"Guardrail(measure): a dict does not go here; write {MEASURES}"),
        ("Guardrail('x', Gauge('x'), tiers=[{'limit': Above(1)}])", "Guardrail(tiers): a dict does not go here; write Warning(…), Critical(…) or Emergency(…)"),
        ("Guardrail('x', Gauge('x'), success=Below(1), optional=True)", "Guardrail: success= is asked at each gate, and an optional source may never be seen; leave one of the two out"),
        ("Guardrail('x', Absence('x'), optional=True)", "Guardrail: an Absence fires while nothing is seen, which optional= says is right; leave one of the two out"),
        ("Check('0s')", "Check(at): it must take some time; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("Check('5m', tell=[Tell(PagerDuty(Secret('KEY')))])", "Check: tell= sends what a check found, and that is no incident; give Slack, Mail or Webhook"),
        ("Probe('health', 'shop/health')", "Probe(url): this does not fit; write a path of the service like /health, or http:// or https:// with a host, no user and no password"),
        ("Probe('health', '/health', within='31s')", "Probe: within= is longer than 30s, the longest that a check waits; shorten it"),
        ("LoadBurst('5m', '/', requests=1, timeout='2m')", "LoadBurst: timeout= is longer than 1m; shorten it"),
        ("LoadBurst('5m', '/', requests=1, within='2h')", "LoadBurst: within= is longer than 1h; shorten it"),
        ("LoadBurst('5m', '/', requests=1, bodies=[{}])", "LoadBurst: bodies= go with POST or PUT; write method="),
        ("LoadBurst('5m', '/', requests=1, method='POST', bodies=[{'a': 'x' * 70000}])", "LoadBurst: one of its bodies is longer than 64 KiB; shorten it"),
        ("LoadBurst('5m', '/', requests=20000)", "LoadBurst(requests): 20000 is out of range; write a number of at most 10000"),
        ("Warning('1%')", f"Warning(limit): '1%' does not go here; write {LIMITS}"),
        ("Warning(Above(1), sustained=5)", "Warning(sustained): 5 does not go here; write a duration like 5m"),
        ("Warning(Above(1), action='stop')", "Warning(action): there is no 'stop'; there are: investigate, hold, rollback, emergency-rollback, security-rollback, promote"),
        ("Is('')", "Is(state): '' does not fit; write the name of a state, like open"),
        ("Above()", "Above needs at; add at= with an amount like 0.5%, 300ms, 1GB, 10/s or 42 or a dict {a text in quotes: an amount like 0.5%, 300ms, 1GB, 10/s or 42, …}"),
        ("Above([1])", "Above(at): a list does not go here; write an amount like 0.5%, 300ms, 1GB, 10/s or 42 or a dict {a text in quotes: an amount like 0.5%, 300ms, 1GB, 10/s or 42, …}"),
        ("Above(True)", "Above(at): True is not an amount; write a number, like 1 or 0.5%"),
        ("Above(float('nan'))", "Above(at): 'nan' is not an amount; write it like 0.5%, 300ms, 2s, 1GB, 776K, 10/s, 100/min or 42"),
        ("Latency('x', p=100)", "Latency(p): 100 is out of range; write a number below 100"),
        ("Latency('x', p='most')", "Latency(p): 'most' does not go here; write a number"),
        ("Rate('x', window='0s')", "Rate(window): it must take some time; write it like 30s, 5m, 24h, 7d or 1h30m"),
        ("ForRollout('x', scrape='1ms')", "ForRollout(scrape): it must be at least 1s; write it like 15s"),
        ("Ratio(of='a', bad='b', min_events=0)", "Ratio(min_events): 0 is out of range; write a number of at least 1"),
        ("Gauge('x', by='pool')", "Gauge(by): 'pool' does not go here; write a list of a label's name: letters, digits and _"),
        ("Slo('x', Ratio('a', good='b', beside=True), objective='99%')", "Slo: beside= does not say which events failed; leave beside= out"),
        ("Ratio('a', bad='b', beside=True)", "Ratio: beside= is for good events that are counted separately; write good=, or leave beside= out"),
        ("Critical(Above(1), of='attempt')", "Critical: of= says what during= counts from; write during= as well, or leave of= out"),
        ("Count('up', window='1h')", "Count: window= needs a series that shows for how much of it the exporter was there; write presence="),
        ("Slo('x', Ratio('a', bad='b', by=['path']), objective='99%')", "Slo: an objective has one budget for all its events; leave by= out of its measure"),
        ("Stage('a', '10%')", "Stage takes only name by position; name it: weight=, bake=, gate=, enter=, advance=, warm_up=, prolong=, deadline=, at_deadline=, checks=, bursts="),
        ("Guardrail('errors-', Gauge('x'))", "Guardrail(name): 'errors-' does not fit; write a name of small letters, digits and - between them, like error-rate"),
        ("Stage('10% \"EU\"')", "Stage(name): '10% \"EU\"' does not fit; write a name without quotes, braces, backslashes, $ and |, like 10%"),
        ("Warning(Above(1), severity='P 1')", "Warning(severity): 'P 1' does not fit; write one word of letters, digits, - and _, like P1"),
        ("Stage('a', weight='110%')", "Stage(weight): '110%' is not a share of the whole; write 0% to 100%"),
        ("Stage('a', weight=10)", "Stage(weight): '10' is not a share of the whole; write 0% to 100%"),
        ("Gate(coverage='0%')", "Gate: coverage=0% would pass a stage that was never judged; write the part of it that must have enough traffic"),
        ("Gate(severities=['critical'])", "Gate: severities= says which alerts count for stable_for=, which is missing; write stable_for= as well"),
        ("Gate(coverage='2')", "Gate(coverage): '2' is not a share of the whole; write 0% to 100%"),
        ("Arms('track', canary='new', stable='new')", "Arms: canary and stable are one value; write the two that the label has"),
        ("Targets('shop', ['http://shop:80/metrics'])", "Targets(addresses): this does not fit; write host:port, without http:// and without a path"),
        ("Environment('here', alertmanagers=['http://am:9093'])", "Environment(alertmanagers): this does not fit; write host:port, without http:// and without a path"),
        ("Environment('here', receiver='handrail:8080')", "Environment(receiver): this does not fit; write http:// or https://, a host, and perhaps a path"),
        ("Environment('here', runbooks='wiki')", "Environment(runbooks): this does not fit; write http:// or https://, a host, and perhaps a path"),
        ("Environment('here', dashboards='https://grafana/d?x=1')", "Environment(dashboards): this does not fit; write http:// or https://, a host, and perhaps a path"),
        ("Targets('shop', ['shop:80'], path='metrics')", "Targets(path): this does not fit; write a path that begins with /"),
        ("Targets('shop', ['shop:80'], drop_prefix='sql.(')", "Targets(drop_prefix): this does not fit; write letters, digits, _ and :"),
        ("HAProxySplit('web')", "HAProxySplit needs sockets; add sockets= with a list of unix:/path or host:port"),
        ("HAProxySplit('web/canary', sockets=['unix:/s'])", "HAProxySplit(backend): 'web/canary' does not fit; write a name of letters, digits and _.:-"),
        ("SqlSource('postgres://reader:its-password@db/x', [SqlMetric('a', 'select 1', 'b')])", "SqlSource(database): this does not fit; write an address without a password, like postgres://reader@db/aidin"),
        ("SqlMetric('a-b', 'select 1', 'b')", "SqlMetric(name): 'a-b' does not fit; write a metric's name: letters, digits, _ and :"),
        ("AccessLog('a_total', 'b_seconds', buckets=[1], pattern='(?P<status>x)')", "AccessLog: pattern= has no group seconds; write (?P<seconds>…)"),
        ("LogCounter('a_total', ['a\\nb'])", "LogCounter(patterns): this does not fit; write a Go regular expression, on one line"),
        ("EmailReceiver('a@b', sender='c@d', smarthost='mail')", "EmailReceiver(smarthost): 'mail' does not fit; write host:port, like mail.internal:587"),
        ("EmailReceiver('a@b', sender='c@d', smarthost='m:25', cert_file='/c')", "EmailReceiver: a certificate has a key; give cert_file= and key_file=, or neither"),
        ("MuteTime()", "MuteTime: it would mute for ever; say when, or tell nobody: routes={…: []}"),
        ("MuteTime(hours='22-7')", "MuteTime(hours): '22-7' is not a span of a day; write it like 22:00-07:00 or 12:00-24:00"),
        ("MuteTime(hours='07:00-07:00')", "MuteTime(hours): '07:00-07:00' begins and ends at once; leave hours= out for whole days"),
        ("MuteTime(hours='22:00-07:00', days=[24])", "MuteTime: hours= go over midnight, into a day that days= or months= may not have; write two mute times"),
        ("MuteTime(days=[0])", "MuteTime: days= has a day 0; count from 1, or from -1 for the last day of the month"),
        ("MuteTime(hours='22:00-23:00', zone='Berlin')", "MuteTime(zone): 'Berlin' is not a time zone; write it like Europe/Berlin"),
        ("MuteTime(weekdays=['Saturday'])", "MuteTime(weekdays): there is no 'Saturday'; did you mean 'saturday'?"),
        ("Environment('here', alertmanager_version='0.24')", "Environment(alertmanager_version): '0.24' is older than what Handrail writes for; 0.25 is the oldest"),
        ("Cluster('Monitoring')", "Cluster(namespace): 'Monitoring' does not fit; write a name of small letters, digits and - between them, like monitoring"),
        ("Rollout('a', 'b', guardrails=[Guardrail('x', Gauge('x'))], rollback=['undo'])", f"Rollout(rollback): 'undo' does not go here; write {STEPS}"),
        ("Rollout('a', 'b', guardrails=[Guardrail('x', Gauge('x'))], severities={'warn': 'P3'})", "Rollout(severities): there is no 'warn'; did you mean 'warning'?"),
        ("PromQL('sum(')", "PromQL: 'sum(' is not PromQL (unclosed left parenthesis); correct it"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_plain_words(expression: str, what: str) -> None:
    assert refusals(expression) == [what]


@pytest.mark.parametrize("word", [Rollout, Environment])
def test_a_schema_can_be_made_of_them(word: type) -> None:
    schema = TypeAdapter(word).json_schema()
    assert json.loads(json.dumps(schema)) == schema
    assert (schema["additionalProperties"], "name" in schema["required"]) == (False, True)


def test_the_schema_of_a_rollout_knows_every_word_that_goes_into_one() -> None:
    schema = TypeAdapter(Rollout).json_schema()
    outside = {
        "AccessLog", "Cluster", "Container", "EmailReceiver", "Environment", "ForGuardrail", "ForRollout", "Rollout", "Targets",
    }  # fmt: skip
    known = set(schema["$defs"]) | outside
    assert {word for word in declare.__all__ if isinstance(getattr(declare, word), type)} - known == set()


def test_the_schema_says_what_goes_into_a_field() -> None:
    properties = TypeAdapter(Rollout).json_schema()["properties"]
    assert properties["name"]["pattern"] == "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
    assert properties["scrape"] == {
        "default": "15s",
        "description": "a duration like 15s",
        "title": "Scrape",
        "type": "string",
    }
