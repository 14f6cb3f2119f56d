"""nobody-told: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import found, guardrail
from handrail.lint.nobody_told import NAME

TIERS = guardrail('tiers=[Warning(Above("1%")), Critical(Above("2%"), action="rollback")]')
UNDONE = "rollback=UNDO"
SLACK = 'SlackReceiver("#shop", "/etc/slack")'
TELLS = 'tell=[Tell(Slack("#shop", token=Secret("TOKEN")))]'
OF_A_WARNING = (
    "warning: nobody is told of 'warning' of rollout 'shop': ShopErrorsWarning, ShopErrorsThin; "
    'name people in routes={"warning": [...]}, or an empty list'
)
OF_ITS_ABSENCE = (
    "warning: nobody is told of 'critical' of rollout 'shop': ShopReceiverDown, which the receiver cannot tell of; "
    'name people in routes={"critical": [...]}, or an empty list'
)


def test_every_severity_of_which_nobody_is_told_is_said_with_its_alerts() -> None:
    routes = 'routes={"emergency": []}'
    assert found(NAME, TIERS, UNDONE, routes) == [
        (
            "shop = Rollout(",
            (
                "warning: nobody is told of 'critical' of rollout 'shop': ShopErrorsCritical, ShopErrorsBlind and 1 more; "
                'name people in routes={"critical": [...]}, or an empty list'
            ),
        ),
        ("shop = Rollout(", OF_A_WARNING),
    ]


def test_a_rollout_that_names_nobody_at_all_is_said_where_alertmanager_has_no_other_routes() -> None:
    said = (
        "shop = Rollout(",
        (
            "warning: nobody is told anything about rollout 'shop' in environment 'here'; "
            'name people in routes={"critical": [...]}, or tell=[...]'
        ),
    )
    own = 'here = Environment("here", existing=["alertmanager"])\n'
    assert found(NAME, TIERS, UNDONE, environments='here = Environment("here")\n') == [said]
    assert found(NAME, TIERS, UNDONE, environments=own) == found(NAME, TIERS, UNDONE) == []


def test_whom_the_receiver_tells_is_told_but_not_of_its_own_absence() -> None:
    assert [text for _, text in found(NAME, TIERS, UNDONE, TELLS)] == [OF_ITS_ABSENCE]


def test_a_rollback_that_is_told_of_leaves_what_only_asks_to_look_untold() -> None:
    tells = TELLS.replace("tell=", "tell_rollback=")
    said = [text for _, text in found(NAME, TIERS, UNDONE, tells)]
    assert [text.partition(":")[2].partition(";")[0] for text in said] == [
        " nobody is told of 'critical' of rollout 'shop': ShopErrorsBlind, ShopReceiverDown",
        " nobody is told of 'warning' of rollout 'shop': ShopErrorsWarning, ShopErrorsThin",
    ]


@pytest.mark.parametrize(
    "routes",
    [
        f'routes={{"warning": [{SLACK}], "critical": [{SLACK}]}}',
        'routes={"warning": [], "critical": []}',
        f'routes={{"investigate": [{SLACK}], "hold": [{SLACK}], "rollback": [{SLACK}]}}',
    ],
)
def test_people_by_severity_by_action_or_an_empty_list_are_fine(routes: str) -> None:
    assert found(NAME, TIERS, UNDONE, routes) == []


def test_people_of_the_environment_count_and_each_environment_by_itself() -> None:
    routes = f'{{"warning": [{SLACK}], "critical": [{SLACK}]}}'
    environments = f'here = Environment("here", existing=["alertmanager"], routes={routes})\n'
    assert found(NAME, TIERS, UNDONE, environments=environments) == []
    without = 'here = Environment("here", routes={"critical": [' + SLACK + "]})\n"
    assert [text for _, text in found(NAME, TIERS, UNDONE, environments=without)] == [OF_A_WARNING]


def test_a_shadow_is_for_nobody() -> None:
    shadow = guardrail('tiers=[Warning(Above("1%"))]', 'mode="shadow"')
    assert [text for _, text in found(NAME, shadow) if "ShopErrors" in text] == []
