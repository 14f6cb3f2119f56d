"""What the compiler and the receiver agree on: playbook, steps, channels, and the names of labels and metrics.

The only package of the compiler that the receiver imports.
"""

from handrail.contract import names
from handrail.contract.addresses import Secret, Url
from handrail.contract.channels import TEMPLATE_FILTERS, Channel, PagerDuty, Slack, StatusPage, Tell, Webhook
from handrail.contract.playbook import (
    Action,
    ActionName,
    Approval,
    Arms,
    Confirmation,
    Criterion,
    Gate,
    GuardrailFacts,
    LimitFacts,
    Playbook,
    Proof,
    ReferenceQuery,
    StageFacts,
    StageFigure,
    TierFacts,
)
from handrail.contract.steps import (
    Command,
    DeploymentImage,
    FlagOff,
    GitValue,
    HAProxyState,
    HAProxyWeight,
    HttpCall,
    LaunchDarklyOff,
    RolloutAbort,
    Scalar,
    Step,
    Written,
)
from handrail.units import duration

__all__ = [
    "TEMPLATE_FILTERS",
    "Action",
    "ActionName",
    "Approval",
    "Arms",
    "Channel",
    "Command",
    "Confirmation",
    "Criterion",
    "DeploymentImage",
    "FlagOff",
    "Gate",
    "GitValue",
    "GuardrailFacts",
    "HAProxyState",
    "HAProxyWeight",
    "HttpCall",
    "LaunchDarklyOff",
    "LimitFacts",
    "PagerDuty",
    "Playbook",
    "Proof",
    "ReferenceQuery",
    "RolloutAbort",
    "Scalar",
    "Secret",
    "Slack",
    "StageFacts",
    "StageFigure",
    "StatusPage",
    "Step",
    "Tell",
    "TierFacts",
    "Url",
    "Webhook",
    "Written",
    "duration",
    "names",
]
