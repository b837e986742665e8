"""Load in a closed loop: so many callers, each asking again as soon as it is answered.

Requests are written as bytes: a client library would cost more than what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of the requests of one step; times in seconds."""

    latencies: list[float]
    duration: float


@dataclass(frozen=True, slots=True)
class Target:
    """A route on loopback, the caller's token, and what to ask next."""

    port: int
    route: str
    token: Callable[[], str]
    body: Callable[[], Mapping[str, str]]
    headers: Callable[[], Mapping[str, str]] = dict

    def request(self) -> bytes:
        """The next request."""
        body = json.dumps(self.body()).encode()
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers().items())
        head = (
            f"POST {self.route} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token()}\r\n"
            f"Content-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def ask(target: Target, *, callers: int, seconds: float) -> Answered:
    """Ask for so long; RuntimeError at the first answer that is no success."""
    latencies: list[float] = []
    start = time.monotonic()
    await asyncio.gather(*(_keep_asking(target, start + seconds, latencies) for _ in range(callers)))
    return Answered(latencies, time.monotonic() - start)


async def _keep_asking(target: Target, end: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    try:
        while (asked := time.monotonic()) < end:
            writer.write(target.request())
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            body = await reader.readexactly(int(length.split(b":")[1]))
            latencies.append(time.monotonic() - asked)
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
                raise RuntimeError(f"{target.route}: {head[:15]!r} {body[:200]!r}")
    finally:
        writer.close()
        await writer.wait_closed()
