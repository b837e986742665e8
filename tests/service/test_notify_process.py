"""Notify as a process: how it stops while someone listens."""

import asyncio
import os
import signal

import httpx
import psutil

from deploy.issuer import GRANT_TYPE
from deploy.network import EmbeddedNetwork


async def token_of(network: EmbeddedNetwork, subject: str) -> str:
    """A token of the development issuer."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{network.address('issuer')}/token", data={"grant_type": GRANT_TYPE, "subject": subject}
        )
        return str(answer.raise_for_status().json()["access_token"])


async def test_a_stop_ends_open_streams_and_the_process_with_status_0(network: EmbeddedNetwork) -> None:
    """Readers are let go at once, everything is closed in order, and the last spans are out."""
    token = await token_of(network, "coordinator:c-0003")
    pid = network.pids["notify"]
    async with (
        asyncio.timeout(30),
        httpx.AsyncClient(base_url=network.address("notify"), timeout=30) as client,
        client.stream("GET", "/inbox/stream", headers={"Authorization": f"Bearer {token}"}) as answer,
    ):
        assert answer.status_code == 200
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(5):
            assert [line async for line in lines if line.startswith("data")] == []
    assert await asyncio.to_thread(psutil.Process(pid).wait, 20) == 0
