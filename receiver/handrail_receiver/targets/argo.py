"""RolloutAbort → an Argo Rollout's update aborted, so that its traffic goes back to the stable version.

An abort means something only while an update runs, and leaves the bad version in Git: add a `GitValue` step
where a reconciler would apply it again.
"""

from __future__ import annotations

import json

from handrail.contract import RolloutAbort
from pydantic import Field

from handrail_receiver.errors import Cause, Permanent
from handrail_receiver.outside import Outside, Shape
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
            lambda pinned: f"PATCH {pinned.api.rstrip('/')}{_path(pinned)}/status {json.dumps(ABORT)}",
        )

    async def read(self, step: RolloutAbort) -> Reading:
        """Read `.status`: aborted, the phase, and the canary's weight where there is traffic routing."""
        return _reading(step, (await self._found(step)).status)

    async def act(self, step: RolloutAbort) -> None:
        """Abort the update.

        Raises Permanent (conflict) when none is in progress: the version to be taken back is the stable one.
        """
        if not (await self._found(step)).status.updating:
            raise Permanent(
                Cause.conflict,
                f"{_where(step)} is not in an update, so there is nothing to abort; roll back by image or by Git",
            )
        await Kubernetes(self._outside, step).patch(f"{_path(step)}/status", "merge-patch", ABORT)

    async def _found(self, step: RolloutAbort) -> _Rollout:
        return (await Kubernetes(self._outside, step).get(_path(step))).into(_Rollout)

    async def _checks(self, step: RolloutAbort) -> tuple[RolloutAbort, str]:
        cluster = Kubernetes(self._outside, step)
        await cluster.must_allow("patch", "argoproj.io", "rollouts", name=step.rollout, part="status")
        status = (await self._found(step)).status
        await cluster.patch(f"{_path(step)}/status", "merge-patch", ABORT, dry_run=True)
        now = "" if status.updating else "; no update is in progress yet, and an abort works only during one"
        return step, f"{_reading(step, status).found}; Kubernetes accepted the abort as a dry run{now}"


class _Weight(Shape):
    weight: int


class _Weights(Shape):
    canary: _Weight


class _Canary(Shape):
    weights: _Weights | None = None


class _Status(Shape):
    phase: str = "Unknown"
    abort: bool = False
    current_pod_hash: str = ""
    stable_rs: str = Field(default="", validation_alias="stableRS")
    canary: _Canary = _Canary()

    @property
    def updating(self) -> bool:
        """Whether another version than the stable one is on its way (aborted counts: it is not taken up)."""
        return self.current_pod_hash != self.stable_rs

    @property
    def weight(self) -> int | None:
        """The canary's share of the routed traffic, in percent; None without traffic routing."""
        return self.canary.weights.canary.weight if self.canary.weights else None


class _Rollout(Shape):
    status: _Status = _Status()


def _where(step: RolloutAbort) -> str:
    return f"the Rollout {step.namespace}/{step.rollout}"


def _path(step: RolloutAbort) -> str:
    return path_of("argoproj.io/v1alpha1", step.namespace, "rollouts", step.rollout)


def _reading(step: RolloutAbort, status: _Status) -> Reading:
    words = [f"{_where(step)} is {status.phase}", "aborted" if status.abort else "not aborted"]
    if status.weight is not None:
        words.append(f"the canary has {status.weight} %")
    done = status.abort and status.phase == "Degraded" and status.weight in {None, 0}
    return Reading(done=done, found=", ".join(words))
