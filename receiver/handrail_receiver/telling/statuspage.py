"""StatusPage → a component set to one absolute state while the incident lasts, and to another when it is over."""

from __future__ import annotations

from handrail.contract import StatusPage

from handrail_receiver.outside import Outside
from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import ToldIncident

LIMIT = 10.0


class StatusPages:
    """Any status page with a JSON API; the bodies come from the playbook, no text of the incident is published."""

    opens_first = True
    longest = 1000

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def writing(self) -> Writing:
        """No markup."""
        return Plain()

    async def send(self, to: StatusPage, incident: ToldIncident, text: str, receipt: str) -> str:  # noqa: ARG002  nothing of it is published
        """Set the component, unless it was set to this already; the receipt is the state it was set to."""
        state = "resolved" if incident.status == "resolved" else "opened"
        body = to.resolved if state == "resolved" else to.opened
        if body is not None and state != receipt:
            headers = self._outside.bearer(to.token, to.token_header, to.token_scheme)
            answer = await self._outside.ask(
                "the status page", to.method, to.url, timeout=LIMIT, headers=headers, body=body
            )
            answer.is_api()
        return state
