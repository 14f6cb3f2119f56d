"""RolloutAbort → an Argo Rollout's update aborted, so that its traffic goes back to the stable version.

An abort means something only while an update runs, and leaves the bad version in Git: add a `GitValue` step
where a reconciler would apply it again.
"""

from __future__ import annotations

import json

from handrail.contract import ArgoVersion, RolloutAbort
from pydantic import Field

from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import AnswerBody, Outside
from handrail_receiver.ports import Reading, Rehearsal
from handrail_receiver.targets.kubernetes import Kubernetes, path_of
from handrail_receiver.targets.rehearsal import rehearsed

ABORT = {"status": {"abort": True}}


class ArgoRollouts:
    """Argo Rollouts, where aborting an aborted update changes nothing."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    async def rehearse(self, step: RolloutAbort) -> Rehearsal:
        """Check that the Rollout exists and that the API server would take the abort from this token."""
        return await rehearsed(
            step,
            self._checks,
            lambda pinned: f"PATCH {pinned.api}{_path(pinned)}/status {json.dumps(ABORT)}",
        )

    async def read(self, step: RolloutAbort) -> Reading:
        """Read whether the controller has seen what is asked for, the phase, and what the new version still has."""
        return _reading(step, await self._found(step))

    async def act(self, step: RolloutAbort) -> None:
        """Abort the update.

        Raises Permanent (conflict) when none is in progress: the version to be taken back is the stable one. While
        the controller has not seen the newest spec nobody knows; then the abort is sent, and Retryable raised,
        because the controller forgets an abort of the update before.
        """
        rollout = await self._found(step)
        if rollout.observed and not rollout.status.updating:
            raise Permanent(
                Cause.conflict,
                f"{_where(step)} is not in an update, so there is nothing to abort; roll back by image or by Git",
            )
        await Kubernetes(self._outside, step).patch(f"{_path(step)}/status", "merge-patch", ABORT)
        if not rollout.observed:
            raise Retryable(Cause.busy, f"{_where(step)}: {_unseen(rollout)}")

    async def _found(self, step: RolloutAbort) -> _Rollout:
        return (await Kubernetes(self._outside, step).get(_path(step))).into(_Rollout)

    async def _checks(self, step: RolloutAbort) -> tuple[RolloutAbort, str]:
        cluster = Kubernetes(self._outside, step)
        await cluster.must_allow("patch", "argoproj.io", "rollouts", name=step.rollout, part="status")
        rollout = await self._found(step)
        await cluster.patch(f"{_path(step)}/status", "merge-patch", ABORT, dry_run=True)
        idle = rollout.observed and not rollout.status.updating
        now = "; no update is in progress yet, and an abort works only during one" if idle else ""
        return step, f"{_reading(step, rollout).found}; Kubernetes accepted the abort as a dry run{now}"


class _Weight(AnswerBody):
    weight: int


class _Weights(AnswerBody):
    canary: _Weight
    verified: bool | None = None


class _Canary(AnswerBody):
    weights: _Weights | None = None


class _BlueGreen(AnswerBody):
    active_selector: str = ""


class _RolloutStatus(AnswerBody):
    phase: str = "Unknown"
    abort: bool = False
    current_pod_hash: str = ""
    stable_rs: str = Field(default="", validation_alias="stableRS")
    observed_generation: str | int = ""
    replicas: int = 0
    updated_replicas: int = 0
    canary: _Canary = _Canary()
    blue_green: _BlueGreen = _BlueGreen()

    @property
    def updating(self) -> bool:
        """Whether another version than the stable one is on its way (aborted counts: it is not taken up)."""
        return self.current_pod_hash != self.stable_rs

    @property
    def left(self) -> str:
        """What the new version still has of the traffic, in words; empty when that is nothing.

        With traffic routing its weight says so, with blue-green the version that the active service selects. Without
        either each pod serves its share, so that none may be left.
        """
        active, weights = self.blue_green.active_selector, self.canary.weights
        if active:
            return "" if active == self.stable_rs else f"the active service still selects {active}"
        if weights is None:
            count = self.updated_replicas
            return f"{count} of {self.replicas} replicas are still the canary's" if count else ""
        if weights.canary.weight:
            return f"the canary has {weights.canary.weight} %"
        return "the canary's weight of 0 % is not verified yet" if weights.verified is False else ""


class _RolloutMetadata(AnswerBody):
    generation: int = 0


class _Rollout(AnswerBody):
    metadata: _RolloutMetadata = _RolloutMetadata()
    status: _RolloutStatus = _RolloutStatus()

    @property
    def observed(self) -> bool:
        """Whether the status is about the newest spec. Before 1.0 Argo wrote a hash there, which says nothing."""
        seen = str(self.status.observed_generation)
        return not seen.isdecimal() or int(seen) >= self.metadata.generation


async def pod_hashes(outside: Outside, source: ArgoVersion) -> tuple[str, str]:
    """The pod-template hashes of an Argo Rollout: of the version that it updates to, and of the stable one."""
    rollout = (await Kubernetes(outside, source).get(_path(source))).into(_Rollout)
    if not rollout.observed:
        raise Retryable(Cause.busy, f"{_where(source)}: {_unseen(rollout)}")
    return rollout.status.current_pod_hash, rollout.status.stable_rs


def _where(step: RolloutAbort | ArgoVersion) -> str:
    return f"the Rollout {step.namespace}/{step.rollout}"


def _path(step: RolloutAbort | ArgoVersion) -> str:
    return path_of("argoproj.io/v1alpha1", step.namespace, "rollouts", step.rollout)


def _unseen(rollout: _Rollout) -> str:
    return (
        f"the controller has seen generation {rollout.status.observed_generation} only, not yet "
        f"{rollout.metadata.generation}"
    )


def _reading(step: RolloutAbort, rollout: _Rollout) -> Reading:
    status, left = rollout.status, rollout.status.left
    words = [f"{_where(step)} is {status.phase}", "aborted" if status.abort else "not aborted"]
    nothing = "the canary has 0 %" if status.canary.weights else ""
    words += filter(None, [left or nothing])
    words += [] if rollout.observed else [_unseen(rollout)]
    done = rollout.observed and status.abort and status.phase == "Degraded" and not left
    return Reading(done=done, found=", ".join(words))
