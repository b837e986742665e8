"""One process of a reference: `python -m tests.benchmarks.reference HOP READY_FILE`, the rest in `BENCH_` variables."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from tests.benchmarks.reference import bare, reliable
from tests.benchmarks.reference.connections import Place
from tests.benchmarks.reference.hops import HOPS


async def _main(name: str, ready: Path) -> None:
    hop = next(hop for hop in HOPS if hop.name == name)
    place = Place()
    working = asyncio.ensure_future((bare if place.kind == "bare" else reliable).run(hop, place, ready.touch))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await working


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2])))
