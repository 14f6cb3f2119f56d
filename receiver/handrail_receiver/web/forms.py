"""A form that was sent → whether it is the one that this person was shown; another site's page cannot send it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

from handrail_receiver.access.tokens import Caller

VALID_FOR = timedelta(hours=1)
MOST_FIELDS = 30
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class FormSeal:
    """Binds a form to who it was given to and to what it was shown for. `key` is known to our receivers alone."""

    key: Callable[[], bytes]

    def give(self, caller: Caller, shown: tuple[str, ...], now: datetime) -> str:
        """The token that goes into a form."""
        until = int((now + VALID_FOR).timestamp())
        return f"{until}.{self._mac(caller, shown, until)}"

    def fits(self, token: str, caller: Caller, shown: tuple[str, ...], now: datetime) -> bool:
        """Whether a token was given to this caller, for this, and not too long ago."""
        until, _, mac = token.partition(".")
        if not (until.isascii() and until.isdecimal() and len(until) < 12):
            return False
        expected = self._mac(caller, shown, int(until))
        return hmac.compare_digest(mac.encode(), expected.encode()) and now.timestamp() < int(until)

    def _mac(self, caller: Caller, shown: tuple[str, ...], until: int) -> str:
        text = json.dumps([caller.name, sorted(caller.may), shown, until])
        return hmac.new(self.key(), text.encode(), hashlib.sha256).hexdigest()


def from_elsewhere(headers: Mapping[str, str]) -> str:
    """Why a request was sent by a page that is not ours, empty when nothing says so.

    A browser says which page sent it; a client that says nothing is no browser, or a very old one.
    """
    site = headers.get("sec-fetch-site", "")
    if site not in {"", "same-origin"}:
        return f"it was sent by a page of another site ({site})"
    origin = headers.get("origin", "")
    if origin and urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        return f"it was sent by a page of {origin[:100]}"
    return ""


def fields(sent: bytes) -> dict[str, str]:
    """The fields of a form; of one that stands twice the first. Raises ValueError when it is no form."""
    values: dict[str, str] = {}
    for name, value in parse_qsl(
        sent.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, strict_parsing=True
    ):
        values.setdefault(name, value)
    return values
