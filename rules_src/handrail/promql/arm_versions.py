"""What the receiver says of the arms' versions → PromQL that joins it to what is measured by version.

The expensive part is measured for every version. Then it is joined with the arms: other versions are dropped, and the
label `arm` names the arm of the rest.
"""

from __future__ import annotations

from handrail.contract import names
from handrail.plan import ArmVersion, Matcher, Selector
from handrail.promql.remembered import remembered


def told_versions(rollout: str, label: str) -> str:
    """1 for each arm of the newest attempt, by the version that it is; nothing while no attempt is active.

    The receiver reports the number of the attempt: of two that it reported lately only the newer counts.
    """
    said = remembered(Selector(names.ARM_METRIC, ((names.ROLLOUT, "=", rollout),)))
    return "\n".join(
        [
            f"group by ({names.ARM}, {label}) (label_replace(",
            f"  {said} == on () group_left () (max({said}) > 0),",
            f'  "{label}", "$1", "{names.ARM_VALUE}", "(.+)"',
            "))",
        ]
    )


def versions_of(rollout: str, guardrail: str, label: str, *arm: Matcher) -> ArmVersion:
    """The recorded series that say for a guardrail which versions its arms are: of one arm or of both."""
    matchers = ((names.ROLLOUT, "=", rollout), (names.GUARDRAIL, "=", guardrail), *arm)
    return ArmVersion(label, Selector(names.ARMS, matchers))


def joined(expr: str, arms: ArmVersion) -> str:
    """A measurement by version, reduced to the arms, each with its name as a label."""
    return f"({expr}) * on ({arms.label}) group_left ({names.ARM}) {arms.series}"


def of_arm(expr: str, arm: ArmVersion) -> str:
    """The service's own series, reduced to one arm."""
    return f"({expr}) and on ({arm.label}) {arm.series}"
