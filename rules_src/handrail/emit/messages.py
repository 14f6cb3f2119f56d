"""What people read in Slack, PagerDuty, OpsGenie, Teams and mail, as Alertmanager's fields say it: by our templates, or in the field itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

TEMPLATES: Final = Path(__file__).with_name("handrail.tmpl")
"""The templates that `TEMPLATED` calls."""


@dataclass(frozen=True)
class Messages:
    """Fields of a notification, in Go's template language."""

    title: str
    text: str
    slack_text: str
    html: str
    runbook: str
    dashboard: str
    pagerduty_severity: str
    opsgenie_priority: str


TEMPLATED: Final = Messages(
    title='{{ template "handrail.title" . }}',
    text='{{ template "handrail.text" . }}',
    slack_text='{{ template "handrail.slack.text" . }}',
    html='{{ template "handrail.html" . }}',
    runbook='{{ template "handrail.runbook" . }}',
    dashboard='{{ template "handrail.dashboard" . }}',
    pagerduty_severity='{{ template "handrail.pagerduty.severity" . }}',
    opsgenie_priority='{{ template "handrail.opsgenie.priority" . }}',
)

_LINES = (
    "{{ range .Alerts.Firing }}{{ .Annotations.summary%(safe)s }}\n{{ .Annotations.description%(safe)s }}\n"
    "Action: {{ .Labels.action }}\n"
    "Runbook: {{ .Annotations.runbook_url }}\nDashboard: {{ .Annotations.dashboard_url }}\n\n{{ end }}"
    "{{ range .Alerts.Resolved }}No longer reported: {{ .Annotations.summary%(safe)s }}\n{{ end }}"
)
_SAFE = ' | reReplaceAll "&" "&amp;" | reReplaceAll "<" "&lt;" | reReplaceAll ">" "&gt;"'

INLINE: Final = Messages(
    title=(
        "{{ with .CommonLabels.severity }}[{{ . }}] {{ end }}{{ .GroupLabels.rollout }}: "
        "{{ len .Alerts.Firing }} firing, {{ len .Alerts.Resolved }} no longer reported"
    ),
    text=_LINES % {"safe": ""},
    slack_text=_LINES % {"safe": _SAFE},
    html=(
        "{{ range .Alerts.Firing }}<h3>{{ .Annotations.summary }}</h3><p>{{ .Annotations.description }}</p>"
        "<p>Action: {{ .Labels.action }}<br>"
        '<a href="{{ .Annotations.runbook_url }}">Runbook</a> · '
        '<a href="{{ .Annotations.dashboard_url }}">Dashboard</a></p>{{ end }}'
        "{{ range .Alerts.Resolved }}<p>No longer reported: {{ .Annotations.summary }}</p>{{ end }}"
    ),
    runbook="{{ (index .Alerts 0).Annotations.runbook_url }}",
    dashboard="{{ (index .Alerts 0).Annotations.dashboard_url }}",
    pagerduty_severity='{{ if eq .CommonLabels.tier "warning" }}warning{{ else }}critical{{ end }}',
    opsgenie_priority='{{ if eq .CommonLabels.tier "warning" }}P3{{ else }}P1{{ end }}',
)
"""For configurations that cannot bring templates along, or that somebody else keeps."""
