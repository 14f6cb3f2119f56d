"""A call that nobody answered → why, in the system's words."""

from __future__ import annotations

import os
import socket
import ssl


def why_unreached(error: BaseException) -> str:
    """Why nobody answers, in the system's words ("Connection refused"), which libraries wrap in others.

    A library that tries several addresses says only that none could be reached; what each try said is behind it.
    """
    said, behind = str(error) or type(error).__name__, error.__cause__ or error.__context__
    while behind is not None:
        if isinstance(behind, BaseExceptionGroup):
            behind = behind.exceptions[0]
        if isinstance(behind, OSError) and behind.errno is not None:
            in_words = isinstance(behind, (ssl.SSLError, socket.gaierror))
            said = str(behind.strerror or said) if in_words else os.strerror(behind.errno)
        behind = behind.__cause__ or behind.__context__
    return said
