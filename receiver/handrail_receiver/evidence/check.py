"""A snapshot → a check as JSON and people see it."""

from __future__ import annotations

from handrail_receiver.evidence.snapshot import Snapshot, digest_of
from handrail_receiver.view_models.schemas import (
    CheckView,
    InstanceView,
    ProbeView,
    ShareView,
    TargetView,
    TierView,
)
from handrail_receiver.words.figures import figure


def check_view(taken: Snapshot) -> CheckView:
    """What was found, without the samples."""
    return CheckView(
        at=taken.at,
        stage=taken.stage,
        tiers=[
            TierView(
                guardrail=one.guardrail,
                tier=one.tier,
                action=one.action,
                verdict=one.verdict,
                value=one.value,
                figure=figure(one.value, one.unit),
                count=one.count,
                limits=list(one.limits),
                fires=None if taken.fires is None else one.name in taken.fires,
                pending=taken.pending(one),
            )
            for one in taken.tiers
        ],
        asked=taken.asked,
        split=[ShareView.model_validate(one, from_attributes=True) for one in taken.split],
        probes=[ProbeView.model_validate(one, from_attributes=True) for one in taken.probes],
        targets=[TargetView.model_validate(one, from_attributes=True) for one in taken.targets],
        instances=[InstanceView.model_validate(one, from_attributes=True) for one in taken.instances],
        fires=None if taken.fires is None else list(taken.fires),
        rules=taken.rules.text,
        artifact=taken.artifact,
        missing=list(taken.missing),
        ok=taken.ok,
        snapshot=digest_of(taken.text()),
    )
