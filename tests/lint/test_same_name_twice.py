"""same-name-twice: what it reports, with line and message, and what it does not report."""

from __future__ import annotations

import pytest
from declared import HEAD, found, guardrail, said
from handrail.lint.same_name_twice import NAME

ONE = 'Guardrail("errors", ERRORS, tiers=[Warning(Above("5%"))], runbook=RUNBOOK)'


def test_two_guardrails_of_one_name_are_refused() -> None:
    facts = f"""
        guardrails=[
            {ONE},
            Guardrail(
                "errors",
                ERRORS, tiers=[Warning(Above("6%"))], runbook=RUNBOOK),
        ]
    """
    assert found(NAME, facts) == [
        ('"errors",', "fatal: rollout 'shop' has two guardrails called 'errors'; rename one of them")
    ]


@pytest.mark.parametrize(
    ("fact", "what"),
    [
        ('stages=[Stage("a", bake="1h"), Stage("a")]', "rollout 'shop' has two stages called 'a'"),
        (
            'escalation=[Level("a", "1m", "x"), Level("a", "2m", "y")]',
            "rollout 'shop' has two escalation levels called 'a'",
        ),
        (
            'slos=[Slo("a", ERRORS, objective="99%"), Slo("a", ERRORS, objective="99.9%")]',
            "rollout 'shop' has two objectives called 'a'",
        ),
        (
            'probes=[Probe("a", "https://shop.example/a"), Probe("a", "https://shop.example/b")]',
            "rollout 'shop' has two probes called 'a'",
        ),
    ],
)
def test_so_are_stages_levels_objectives_and_probes(fact: str, what: str) -> None:
    assert [said for _, said in found(NAME, fact, f"guardrails=[{ONE}]")] == [
        f"fatal: {what}; rename one of them"
    ]


def test_names_that_differ_but_give_one_alert_name_are_refused() -> None:
    facts = (
        f"guardrails=[{ONE}, {ONE.replace('errors', 'http-5xx', 1)}, {ONE.replace('errors', 'http-5-xx', 1)}]"
    )
    assert found(NAME, facts) == []
    facts = f"guardrails=[{ONE.replace('errors', 'a-b', 1)}, {ONE.replace('errors', 'a--b', 1)}]"
    assert [what for _, what in found(NAME, facts)] == [
        "fatal: shop a-b and shop a--b give the same alert names; rename one of them"
    ]


def test_two_further_measures_of_one_name_would_hide_each_other() -> None:
    tiers = 'tiers=[Warning(Above("5%"), or_=[On("x", Rate("a_total"), Above("1/s")), On("x", Rate("b_total"), Above("1/s"))])]'
    assert [what for _, what in found(NAME, guardrail(tiers))] == [
        "fatal: guardrail 'errors' has two measures called 'x'; rename one of them"
    ]


@pytest.mark.parametrize("word", ["heartbeat", "escalation", "escalation-x", "rollout"])
def test_words_of_handrail_s_own_are_taken(word: str) -> None:
    assert [what for _, what in found(NAME, f"guardrails=[{ONE.replace('errors', word, 1)}]")] == [
        f"fatal: a guardrail is called '{word}', a word Handrail uses itself; rename one of them"
    ]


def test_two_rollouts_may_not_share_a_name_nor_alert_names() -> None:
    def rollout(name: str, guardrail: str) -> str:
        one = ONE.replace("errors", guardrail, 1)
        return f'{HEAD}\nx = Rollout(name="{name}", service="x", guardrails=[{one}])\n'

    files = {
        "rollouts/a.py": rollout("web", "api-errors"),
        "rollouts/b.py": rollout("web", "time"),
        "rollouts/c.py": rollout("web-api", "errors"),
    }
    assert [problem.what for _, problem in said(files) if problem.lint == NAME] == [
        "the source folder has two rollouts called 'web'",
        "web api-errors and web-api errors give the same alert names",
    ]


def test_two_dashboards_that_would_be_one_file_are_refused() -> None:
    def rollout(name: str, pages: str = "") -> str:
        return f'{HEAD}\nx = Rollout(name="{name}", service="x", guardrails=[{ONE}], dashboards=[{pages}])\n'

    files = {
        "rollouts/a.py": rollout("web", 'Dashboard("main"), Dashboard("flags"), Dashboard("api")'),
        "rollouts/b.py": rollout("web-api"),
    }
    assert [problem.what for _, problem in said(files) if problem.lint == NAME] == [
        "a dashboard of 'web' and one of 'web-api' are one file"
    ]


def test_two_secrets_that_would_be_one_key_on_kubernetes_are_said() -> None:
    environments = """
        team = SlackReceiver("#a", "/etc/team/slack")
        here = Environment(
            "here",
            token_file="/etc/handrail/token",
            routes={
                "warning": [team],
                "critical": [
                    team,
                    WebhookReceiver("http://pager", token_file="/etc/pager/token"),
                ],
            },
        )
    """
    assert found(NAME, f"guardrails=[{ONE}]", environments=environments) == [
        (
            'WebhookReceiver("http://pager", token_file="/etc/pager/token"),',
            (
                "warning: '/etc/handrail/token' and '/etc/pager/token' are one key of the cluster's Secret; "
                "give one of the files another name"
            ),
        )
    ]


TITLED = {
    "two rollouts": ({"title": '"Shop"'}, {"title": '"shop "'}, 1),
    "a title and a name": ({"title": '"till"'}, {}, 1),
    "a page and a rollout": ({"dashboards": '[Dashboard("a", "till")]'}, {}, 1),
    "two pages": ({"dashboards": '[Dashboard("a", "Flow"), Dashboard("b", "Flow")]'}, {}, 1),
    "its own page": ({"dashboards": '[Dashboard("main", "till")]'}, {}, 1),
    "made of rollout and page": (
        {"dashboards": '[Dashboard("a", "till: b")]'},
        {"dashboards": '[Dashboard("b")]'},
        1,
    ),
    "others": ({"title": '"A"', "dashboards": '[Dashboard("a"), Dashboard("b")]'}, {"title": '"B"'}, 0),
}


@pytest.mark.parametrize(("shop", "till", "count"), TITLED.values(), ids=TITLED)
def test_two_dashboards_with_one_title_are_one_to_grafana(
    shop: dict[str, str], till: dict[str, str], count: int
) -> None:
    def rollout(name: str, facts: dict[str, str]) -> str:
        more = "".join(f", {key}={value}" for key, value in facts.items())
        return f'{name} = Rollout("{name}", "{name}", guardrails=[{ONE}]{more})\n'

    problems = said({"rollouts/a.py": HEAD + rollout("shop", shop) + rollout("till", till)})
    assert ["are both called" in problem.what for _, problem in problems if problem.lint == NAME] == [
        True
    ] * count


def test_different_names_are_fine() -> None:
    facts = f"guardrails=[{ONE}, {ONE.replace('errors', 'time', 1)}]"
    assert found(NAME, "stages=STAGES", 'slos=[Slo("errors", ERRORS, objective="99%")]', facts) == []
