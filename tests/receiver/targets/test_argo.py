"""RolloutAbort → an abort that counts only when the traffic is back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from apis import Kubernetes
from handrail.contract import RolloutAbort, Secret
from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import Outside
from handrail_receiver.ports import Reading
from handrail_receiver.targets.argo import ArgoRollouts

pytestmark = pytest.mark.anyio


@pytest.fixture
def api() -> Iterator[Kubernetes]:
    with Kubernetes() as api:
        yield api


@pytest.fixture
def step(api: Kubernetes) -> RolloutAbort:
    return RolloutAbort(api.url, "shop", "web", Secret("token"))


async def test_an_abort_is_done_when_the_phase_is_degraded_and_the_canary_has_nothing(
    api: Kubernetes, step: RolloutAbort, outside: Outside
) -> None:
    target, api.settles = ArgoRollouts(outside), False
    seen = [await target.read(step)]
    await target.act(step)
    seen.append(await target.read(step))
    api.rollout["status"] |= {"phase": "Degraded"}
    seen.append(await target.read(step))
    api.rollout["status"]["canary"]["weights"]["canary"]["weight"] = 0
    seen.append(await target.read(step))
    assert seen == [
        Reading(False, "the Rollout shop/web is Progressing, not aborted, the canary has 10 %"),
        Reading(False, "the Rollout shop/web is Progressing, aborted, the canary has 10 %"),
        Reading(False, "the Rollout shop/web is Degraded, aborted, the canary has 10 %"),
        Reading(True, "the Rollout shop/web is Degraded, aborted, the canary has 0 %"),
    ]


ABORTED = {"phase": "Degraded", "abort": True, "currentPodHash": "new", "stableRS": "old"}
IS = "the Rollout shop/web is Degraded, aborted"
BEHIND = "the controller has seen generation 2 only, not yet 3"


@pytest.mark.parametrize(
    ("status", "reading"),
    [
        ({"replicas": 7, "updatedReplicas": 0}, Reading(True, IS)),
        (
            {"replicas": 10, "updatedReplicas": 3},
            Reading(False, f"{IS}, 3 of 10 replicas are still the canary's"),
        ),
        (
            {"blueGreen": {"activeSelector": "old", "previewSelector": "new"}, "updatedReplicas": 3},
            Reading(True, IS),
        ),
        (
            {"blueGreen": {"activeSelector": "new"}},
            Reading(False, f"{IS}, the active service still selects new"),
        ),
        (
            {"canary": {"weights": {"canary": {"weight": 0}, "verified": False}}},
            Reading(False, f"{IS}, the canary's weight of 0 % is not verified yet"),
        ),
        (
            {"canary": {"weights": {"canary": {"weight": 0}, "verified": True}}, "updatedReplicas": 3},
            Reading(True, f"{IS}, the canary has 0 %"),
        ),
        ({"observedGeneration": "3"}, Reading(True, IS)),
        ({"observedGeneration": "2"}, Reading(False, f"{IS}, {BEHIND}")),
        ({"observedGeneration": "5f6d8c"}, Reading(True, IS)),
    ],
    ids=[
        "no pod of the canary is left",
        "pods of the canary are left",
        "blue-green: the stable version is active",
        "blue-green: the new version is active",
        "the router has not taken the weight",
        "with routing the weight counts, not the pods",
        "the controller has seen the newest spec",
        "the controller is behind",
        "Argo before 1.0 wrote a hash",
    ],
)
async def test_an_abort_is_done_when_the_new_version_has_nothing_left(
    api: Kubernetes, step: RolloutAbort, outside: Outside, status: dict[str, object], reading: Reading
) -> None:
    api.rollout = {"metadata": {"generation": 3}, "status": ABORTED | status}
    assert await ArgoRollouts(outside).read(step) == reading


@pytest.mark.parametrize(
    "status", [ABORTED, {"phase": "Healthy", "currentPodHash": "old", "stableRS": "old"}]
)
async def test_while_the_controller_is_behind_the_abort_is_sent_and_worth_another_try(
    api: Kubernetes, step: RolloutAbort, outside: Outside, status: dict[str, object]
) -> None:
    api.rollout = {"metadata": {"generation": 3}, "status": status | {"observedGeneration": "2"}}
    api.settles = False
    with pytest.raises(Retryable) as raised:
        await ArgoRollouts(outside).act(step)
    assert (raised.value.cause, str(raised.value)) == (Cause.busy, f"the Rollout shop/web: {BEHIND}")
    assert [(one.method, one.json) for one in api.changes()] == [("PATCH", {"status": {"abort": True}})]


async def test_when_no_update_runs_there_is_nothing_to_abort_and_nothing_is_sent(
    api: Kubernetes, step: RolloutAbort, outside: Outside
) -> None:
    api.rollout["status"] = {"phase": "Healthy", "currentPodHash": "new", "stableRS": "new"}
    with pytest.raises(Permanent) as raised:
        await ArgoRollouts(outside).act(step)
    assert (raised.value.cause, str(raised.value), api.changes()) == (
        Cause.conflict,
        "the Rollout shop/web is not in an update, so there is nothing to abort; roll back by image or by Git",
        [],
    )


async def test_before_the_update_a_rehearsal_is_ready_and_says_when_an_abort_works(
    api: Kubernetes, step: RolloutAbort, outside: Outside
) -> None:
    api.rollout["status"] = {"phase": "Healthy", "currentPodHash": "old", "stableRS": "old"}
    rehearsal = await ArgoRollouts(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (
        True,
        (
            "the Rollout shop/web is Healthy, not aborted; Kubernetes accepted the abort as a dry run; "
            "no update is in progress yet, and an abort works only during one"
        ),
    )


async def test_a_token_without_the_right_is_found_out_before(
    api: Kubernetes, step: RolloutAbort, outside: Outside
) -> None:
    api.allowed = set()
    rehearsal = await ArgoRollouts(outside).rehearse(step)
    assert (rehearsal.ready, rehearsal.reason) == (
        False,
        "the token may not patch rollouts/status.argoproj.io in shop; grant it in a Role",
    )
