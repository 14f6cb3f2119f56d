"""Settings → uvicorn, serving until it is told to end."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import uvicorn

from handrail_receiver.addresses import passwords_in
from handrail_receiver.app import Front, make_app
from handrail_receiver.errors import Permanent
from handrail_receiver.listening import listen
from handrail_receiver.logs import log_to_stderr
from handrail_receiver.secrets import Secrets
from handrail_receiver.settings import Settings
from handrail_receiver.web.connections import ConnectionLimits

KEEP_ALIVE = 75


def run(settings: Settings) -> None:
    """Serve. Returns when the process was asked to end.

    Raises WrongSettings when nobody can listen at the address, or the store cannot be opened.
    """
    sockets = listen(settings.host, settings.port)
    secrets = Secrets(settings.secrets_dir, os.environ)
    for password in passwords_in(settings.store):
        with suppress(Permanent):  # one that is too short is in no text either, since no error repeats it
            secrets.read(password)
    log_to_stderr(settings.log_level, secrets.redact)
    front = make_app(settings, secrets)
    _Server(configuration(settings, front), front).run(sockets)


class _Server(uvicorn.Server):
    """Ends the pages' streams before it waits for what is being answered: else each restart would wait for them."""

    def __init__(self, config: uvicorn.Config, front: Front) -> None:
        super().__init__(config)
        self._front = front

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new, finish what is being answered, end."""
        self._front.end_streams()
        await super().shutdown(sockets)


def configuration(settings: Settings, front: Front) -> uvicorn.Config:
    """How uvicorn serves us."""
    return uvicorn.Config(
        front,
        http=ConnectionLimits,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=5,
        lifespan="on",
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        ssl_ca_certs=str(settings.tls_client_ca) if settings.tls_client_ca else None,
        ssl_cert_reqs=2 if settings.tls_client_ca else 0,
    )
