"""Mail → one mail for each change that people should notice, by a mail server that says what it got."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import default

import pytest
from handrail.contract import Mail, Secret, Tell
from handrail_receiver.errors import Cause, Permanent, Retryable, TargetError
from handrail_receiver.telling import Teller

from .conftest import OPEN

pytestmark = pytest.mark.anyio
RESOLVED = replace(OPEN, status="resolved", resolved=OPEN.updated)


@dataclass
class MailServer:
    """A mail server: the mails it got. `answers` are what it says to commands instead of 250."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)

    def take(self, data: bytes) -> None:
        """Keep a mail."""
        message = email.message_from_bytes(data, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    taken = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 mail.test")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "DATA" and "DATA" not in taken.answers:
                    self.say("354 go on")
                    data = b""
                    while not data.endswith(b"\r\n.\r\n"):
                        data += self.rfile.readline()
                    taken.take(data[:-3])
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say(taken.answers.get(word, "250 mail.test"))

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Quiet(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Quiet(("127.0.0.1", 0), Handler) as server:
        taken.port = server.server_address[1]
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        try:
            yield taken
        finally:
            server.shutdown()
            serving.join()


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as taken:
        yield taken


def tell(server: MailServer, **more: object) -> Tell:
    given: dict[str, object] = {"require_tls": False, "smarthost": f"127.0.0.1:{server.port}", **more}
    return Tell(Mail("team@example.com", sender="handrail@example.com", **given))  # type: ignore[arg-type]


async def test_a_change_of_the_status_is_a_mail_and_the_same_state_is_none(
    server: MailServer, teller: Teller
) -> None:
    receipt = await teller.tell(tell(server), OPEN)
    assert await teller.tell(tell(server), replace(OPEN, version=2), receipt) == receipt
    await teller.tell(tell(server), RESOLVED, receipt)
    first, second = server.mails
    assert (first["Subject"], first["To"]) == (OPEN.title, "team@example.com")
    assert "checkout (shop) · open" in first.get_content()
    assert "checkout (shop) · resolved" in second.get_content()


async def test_each_try_at_a_mail_has_the_same_message_id_and_another_mail_has_another(
    server: MailServer, teller: Teller
) -> None:
    for incident in (OPEN, OPEN, replace(OPEN, version=1)):
        await teller.tell(tell(server), incident)
    first, again, other = (mail["Message-ID"] for mail in server.mails)
    assert first == again != other


async def test_a_report_is_text_and_html(server: MailServer, teller: Teller) -> None:
    await teller.tell(tell(server), replace(OPEN, status="report", title="Day 2/4", html="<h1>Day 2</h1>"))
    (mail,) = server.mails
    parts = {part.get_content_type(): part.get_content().strip() for part in mail.iter_parts()}
    assert parts["text/html"] == "<h1>Day 2</h1>"
    assert parts["text/plain"].splitlines()[:4] == [
        "Day 2/4",
        "checkout (shop)",
        "",
        "error-rate was 3.2 % for 5 min",
    ]


async def test_a_title_cannot_write_headers(server: MailServer, teller: Teller) -> None:
    await teller.tell(tell(server), replace(OPEN, title="rolled back\r\nBcc: all@example.com"))
    assert (server.mails[0]["Subject"], server.mails[0]["Bcc"]) == ("rolled back Bcc: all@example.com", None)


@pytest.mark.parametrize(
    ("answers", "expected", "cause"),
    [
        ({"RCPT": "550 no such user"}, Permanent, Cause.refused),
        ({"DATA": "452 the disk is full"}, Retryable, Cause.busy),
        ({"MAIL": "421 later"}, Retryable, Cause.busy),
    ],
)
async def test_what_the_server_says_is_why(
    server: MailServer, teller: Teller, answers: dict[str, str], expected: type[TargetError], cause: Cause
) -> None:
    server.answers = answers
    with pytest.raises(expected, match=next(iter(answers.values()))[4:]) as raised:
        await teller.tell(tell(server), OPEN)
    assert raised.value.cause is cause


async def test_without_tls_nothing_is_sent_unless_the_declaration_says_so(
    server: MailServer, teller: Teller
) -> None:
    with pytest.raises(Permanent, match="require_tls=False sends without TLS"):
        await teller.tell(tell(server, require_tls=True), OPEN)
    assert server.mails == []


async def test_a_server_that_is_away_is_asked_again(server: MailServer, teller: Teller) -> None:
    with pytest.raises(Retryable, match="cannot be reached"):
        await teller.tell(tell(server, smarthost="127.0.0.1:9"), OPEN)


async def test_a_login_without_its_secret_is_said(server: MailServer, teller: Teller) -> None:
    with pytest.raises(Permanent, match="MAIL_PASSWORD"):
        await teller.tell(tell(server, username="me", password=Secret("MAIL_PASSWORD")), OPEN)
