"""unknown-route: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

from declared import found, guardrail
from handrail.lint.unknown_route import NAME

TIERS = guardrail('tiers=[Warning(Above("1%")), Critical(Above("2%"), severity="P2")]')
ROUTED = 'routes={"P2": [SlackReceiver("#shop", "/etc/slack")]}'
LEVEL = 'escalation=[Level("manager", "5m", "the manager")]'


def test_a_word_that_no_alert_of_the_rollout_bears_is_refused() -> None:
    assert found(NAME, TIERS, ROUTED.replace("P2", "critcal")) == [
        (
            'routes={"critcal": [SlackReceiver("#shop", "/etc/slack")]},',
            (
                "error: rollout 'shop' tells people of 'critcal', which is neither severity, action nor level of it; "
                "did you mean 'critical'?"
            ),
        )
    ]


def test_a_tier_s_own_word_is_fine() -> None:
    assert found(NAME, TIERS, ROUTED) == []


def test_a_word_of_an_environment_that_no_rollout_has_is_refused() -> None:
    environments = 'here = Environment("here", routes={"P2": [], "P9": []})\n'
    assert found(NAME, TIERS, environments=environments) == [
        (
            'here = Environment("here", routes={"P2": [], "P9": []})',
            "error: environment 'here' tells people of 'P9', which no rollout has; there are: warning, critical, emergency, P2, investigate, hold",
        )
    ]


SECURITY = guardrail('tiers=[Critical(Above("2%"), action="security-rollback")]')
TELLS = 'tell_security=[Tell(PagerDuty(Secret("KEY")))]'


def test_security_that_hears_by_the_receiver_alone_is_said() -> None:
    environments = 'here = Environment("here")\n'
    for places, where in ((environments, " in environment 'here'"), ("", "")):
        assert found(NAME, SECURITY, TELLS, environments=places) == [
            (
                f"{TELLS},",
                (
                    f"warning: while the receiver is away nobody tells security of a breach of rollout 'shop'{where}; "
                    'name them in routes={"security-rollback": [...]} as well, or an empty list'
                ),
            )
        ]


def test_security_that_alertmanager_tells_too_is_fine() -> None:
    routes = '{"security-rollback": [PagerDutyReceiver("/etc/key")]}'
    assert found(NAME, SECURITY, TELLS, f"routes={routes}") == []
    assert found(NAME, SECURITY, TELLS, environments=f'here = Environment("here", routes={routes})\n') == []
    assert found(NAME, TIERS, TELLS) == []


def test_a_severity_of_which_a_gate_asks_for_rest_and_no_alert_has_is_refused() -> None:
    gate = 'complete=Gate(stable_for="24h", severities=["P2", "crit"])'
    environments = 'here = Environment("here", routes={"P2": []})\n'
    stages = 'stages=[Stage("100%", bake="24h")]'
    assert found(NAME, TIERS, stages, gate, environments=environments) == [
        (
            f"{gate},",
            "error: a gate of rollout 'shop' asks for rest of 'crit', which no alert of it has; did you mean 'critical'?",
        )
    ]


def test_a_severity_that_a_level_hears_and_no_alert_has_is_refused() -> None:
    level = LEVEL.replace(")]", ', severities=["P2", "P3"])]')
    environments = 'here = Environment("here", routes={"P2": [], "manager": []})\n'
    assert found(NAME, TIERS, level, environments=environments) == [
        (
            f"{level},",
            (
                "error: level 'manager' of rollout 'shop' hears 'P3', which no alert of it has; "
                "there are: warning, critical, emergency, P2"
            ),
        )
    ]


def test_a_level_that_reaches_nobody_is_said() -> None:
    environments = 'here = Environment("here", routes={"P2": []})\n'
    for places, where in ((environments, " in environment 'here'"), ("", "")):
        assert found(NAME, TIERS, LEVEL, environments=places) == [
            (
                'escalation=[Level("manager", "5m", "the manager")],',
                (
                    f"warning: level 'manager' of rollout 'shop' reaches nobody{where}; "
                    'name people in routes={"manager": [...]}, or an empty list'
                ),
            )
        ]


def test_a_level_somebody_is_named_for_is_fine_and_so_is_one_that_is_kept_silent_on_purpose() -> None:
    everywhere = 'routes={"manager": [SlackReceiver("#shop", "/etc/slack")]}'
    assert found(NAME, TIERS, LEVEL, everywhere, environments='here = Environment("here")\n') == []
    silent = 'here = Environment("here", routes={"manager": []})\n'
    assert found(NAME, TIERS, LEVEL, environments=silent) == []


def test_a_level_called_like_a_severity_is_refused() -> None:
    assert found(NAME, TIERS, LEVEL.replace('"manager"', '"critical"')) == [
        (
            'escalation=[Level("critical", "5m", "the manager")],',
            (
                "error: level 'critical' of rollout 'shop' has the name of a severity; "
                "give it another name: routes= could not tell them apart"
            ),
        )
    ]


NIGHTS = 'MuteTime(hours="22:00-07:00")'


def test_a_mute_time_of_a_word_that_no_alert_bears_is_refused() -> None:
    mute = f'mute={{"P3": [{NIGHTS}]}}'
    there = "which is neither severity, action nor level of it; there are: warning, critical, emergency, P2, investigate, hold"
    assert found(NAME, TIERS, ROUTED, mute) == [(f"{mute},", f"error: rollout 'shop' mutes 'P3', {there}")]
    environments = f'here = Environment("here", {mute})'
    [(_, said)] = found(NAME, TIERS, ROUTED, environments=environments)
    assert said.startswith("error: environment 'here' mutes 'P3', which no rollout has; there are: ")


def test_a_mute_time_of_what_nobody_is_told_of_is_refused_because_it_mutes_nothing() -> None:
    mute = f'mute={{"critical": [{NIGHTS}]}}'
    said = "error: rollout 'shop' mutes 'critical', of which nobody is told; name people in routes={\"critical\": [...]}"
    assert found(NAME, TIERS, ROUTED, mute) == [(f"{mute},", said)]
    there = 'here = Environment("here", routes={"critical": [SlackReceiver("#shop", "/etc/slack")]})\n'
    assert found(NAME, TIERS, ROUTED, mute, environments=there) == []
