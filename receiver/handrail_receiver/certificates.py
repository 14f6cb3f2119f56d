"""The files that the TLS settings name → what is wrong in them, each line with its cure; and how others' are verified."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path


def as_prometheus_verifies(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context, which takes every certificate that Prometheus, Alertmanager and curl take.

    Python 3.13 and later also ask for each extension of RFC 5280. Certificates of internal authorities often lack
    some, and no rollback may fail because Python is newer.
    """
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def wrong_certificates(
    certificate: Path | None, key: Path | None, client_ca: Path | None, authorities: Path | None
) -> Iterator[str]:
    """What the receiver could not serve or ask with. The files are there."""
    if certificate and key:
        try:
            # Without a password of ours it would be asked for on the terminal.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: "")
        except OSError as error:  # ssl.SSLError is one
            yield (
                f"HANDRAIL_TLS_CERTIFICATE: {certificate} cannot be used ({_why(error)}); "
                f"give a certificate in PEM and the key {key} that fits, without a password"
            )
    named = {"HANDRAIL_TLS_CLIENT_CA": client_ca, "HANDRAIL_TLS_AUTHORITIES": authorities}
    for setting, file in named.items():
        try:
            if file:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
        except OSError as error:
            yield f"{setting}: {file} cannot be used ({_why(error)}); give certificates in PEM"


def _why(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or type(error).__name__)
