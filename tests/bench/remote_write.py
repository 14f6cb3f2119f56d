"""Samples → Prometheus's remote-write receiver: how a bench gives a real server thirty days in half a minute.

The wire format is protobuf (prometheus.WriteRequest) in a snappy block; a block of literals is valid snappy.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence

import httpx

LITERAL = 1 << 16


def series(labels: Mapping[str, str]) -> bytes:
    """One series' labels, ready to have a sample put behind them."""
    parts = (_field(1, _text(1, name) + _text(2, value)) for name, value in sorted(labels.items()))
    return b"".join(parts)


def write(client: httpx.Client, samples: Sequence[tuple[bytes, float]], time: int) -> None:
    """Send one sample for each series at `time` (seconds)."""
    stamp = b"\x10" + _varint(time * 1000)
    body = b"".join(
        _field(1, labels + _field(2, b"\x09" + struct.pack("<d", value) + stamp)) for labels, value in samples
    )
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    client.post("/api/v1/write", content=b"".join(_snappy(body)), headers=headers).raise_for_status()


def _snappy(body: bytes) -> Iterator[bytes]:
    yield _varint(len(body))
    for start in range(0, len(body), LITERAL):
        chunk = body[start : start + LITERAL]
        yield b"\xf4" + struct.pack("<H", len(chunk) - 1) + chunk


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _field(number, text.encode())


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)
