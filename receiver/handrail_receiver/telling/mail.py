"""A mail address → one mail for each change of an incident that people should notice, or a report with its HTML.

A mail server takes a mail once and cannot be asked for it again: when its answer is lost, the next try sends it twice,
under one Message-ID.
"""

from __future__ import annotations

import asyncio
import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from handrail.contract import Mail

from handrail_receiver.certificates import as_prometheus_verifies
from handrail_receiver.errors import Cause, Permanent, Retryable
from handrail_receiver.outside import Outside
from handrail_receiver.telling.channel import Plain, Writing
from handrail_receiver.telling.incident import ToldIncident, words_of

LIMIT = 20.0
LONGEST_SUBJECT = 200
TLS_FROM_THE_FIRST_BYTE = 465
CURE = "correct smarthost=, or the login, in the declaration"


class Mails:
    """Any mail server that takes mail by SMTP."""

    opens_first = False
    longest = 100_000

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def writing(self) -> Writing:
        """No markup."""
        return Plain()

    async def send(self, to: Mail, incident: ToldIncident, text: str, receipt: str) -> str:
        """Send a mail where there is something new; the receipt is what is known then."""
        known = words_of(incident)
        if known != receipt:
            password = self._outside.secrets.value(to.password) if to.password is not None else ""
            await asyncio.to_thread(_sent, to, password, mail_of(to, incident, text), self._outside)
        return known


def mail_of(to: Mail, incident: ToldIncident, text: str) -> EmailMessage:
    """The mail, with the HTML of a report beside its text."""
    message = EmailMessage()
    message["Subject"] = " ".join(incident.title.split())[:LONGEST_SUBJECT]
    message["From"], message["To"] = to.sender, to.to
    message["Date"] = format_datetime(incident.updated)
    name = hashlib.sha256(f"{incident.key} {incident.version} {to.to}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{name}@{to.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    if incident.html:
        message.add_alternative(incident.html, subtype="html")
    return message


def _sent(to: Mail, password: str, message: EmailMessage, outside: Outside) -> None:
    """Give it to the server. Raises Retryable or Permanent."""
    who = f"the mail server {to.smarthost}"
    try:
        with _connected(to) as server:
            if to.username is not None:
                server.login(to.username, password)
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        said = f"{who} refuses the login of {to.username} ({error.smtp_code}); {CURE}"
        raise Permanent(Cause.refused, outside.clean(said)) from None
    except smtplib.SMTPNotSupportedError as error:
        said = f"{who}: {error}; require_tls=False sends without TLS"
        raise Permanent(Cause.invalid, outside.clean(said)) from None
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _refusal(outside, who, code, words) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(outside, who, error.smtp_code, error.smtp_error) from None
    except ssl.SSLError as error:
        said = f"{who} has a certificate that is not trusted, or speaks no TLS ({error.reason}); {CURE}"
        raise Permanent(Cause.invalid, outside.clean(said)) from None
    except (smtplib.SMTPException, OSError) as error:
        said = f"{who} cannot be reached: {error}; {CURE}"
        raise Retryable(Cause.unreachable, outside.clean(said)) from None


def _connected(to: Mail) -> smtplib.SMTP:
    """A connection, over TLS where that is asked for or can be had."""
    host, _, port = to.smarthost.rpartition(":")
    context = as_prometheus_verifies(ssl.create_default_context())
    if int(port) == TLS_FROM_THE_FIRST_BYTE:
        return smtplib.SMTP_SSL(host, int(port), timeout=LIMIT, context=context)
    server = smtplib.SMTP(host, int(port), timeout=LIMIT)
    try:
        server.ehlo()
        if to.require_tls or server.has_extn("starttls"):
            server.starttls(context=context)
    except (smtplib.SMTPException, OSError):
        server.close()
        raise
    return server


def _refusal(outside: Outside, who: str, code: int, words: bytes | str) -> Permanent | Retryable:
    """What the server said no with: 4xx passes, 5xx stays."""
    said = words.decode(errors="replace") if isinstance(words, bytes) else words
    text = outside.clean(f"{who} answered {code}: {said}")
    return Retryable(Cause.busy, text) if 400 <= code < 500 else Permanent(Cause.refused, text)
