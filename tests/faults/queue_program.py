"""An agency's program to be killed: it puts messages into the offline queue and sends from it at the same time.

    python -m tests.faults.queue_program FOLDER MESSAGES BEGIN END

FOLDER is the agency's, MESSAGES a file with one signed message a line, of which it puts those from BEGIN to END.
For each it says `put` once `put` has returned, and `sent` after each that Kafka has acknowledged.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from tsunagu_agency import AgencyClient, AsyncOfflineQueue, OutgoingMessage, Progress


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def _tell(progress: Progress) -> None:
    if progress.sent:
        _say("sent")


async def _put(queue: AsyncOfflineQueue, messages: Sequence[OutgoingMessage]) -> None:
    for message in messages:
        await queue.put(message)
        _say("put")


async def main(folder: Path, messages: Sequence[OutgoingMessage]) -> None:
    """Put and send side by side, then send the rest."""
    async with AgencyClient.from_folder(folder) as client, AsyncOfflineQueue(client) as queue:
        await asyncio.gather(_put(queue, messages), queue.drain(_tell))
        await queue.drain(_tell)


if __name__ == "__main__":
    folder, file, begin, end = sys.argv[1:]
    lines = Path(file).read_bytes().splitlines()[int(begin) : int(end)]
    asyncio.run(main(Path(folder), [OutgoingMessage.read(line) for line in lines]))
