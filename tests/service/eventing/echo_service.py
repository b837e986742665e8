"""A service that keeps what it hears and says it again; run as a process by the tests of stopping.

It takes a service's settings and ECHO_GROUP, ECHO_HEARS, ECHO_SAYS (two topics) from the environment.
"""

import os
import re
from collections.abc import Sequence

from services.eventing.records import Item
from services.eventing.statements import Statement
from services.eventing.work import Work
from services.runtime.app import Parts, Service, serve
from services.runtime.settings import ServiceSettings
from tests.service.eventing.batches import keep
from tsunagu_contracts.keys import PublicKey

# As long as a handler with something to do: a stop then comes upon a batch in hand.
_WORK = Statement("SELECT pg_sleep(0.02)")


def compose(parts: Parts) -> Service:
    """Put the service together."""
    says = os.environ["ECHO_SAYS"]

    async def handle(work: Work, items: Sequence[Item]) -> None:
        for item in items:
            assert item.event is not None
            await work.send(says, item.event.key, f"{item.event.aggregate}@{item.event.version}".encode())
        keep(work, items)
        await work.fetch(_WORK, {})

    async def agency_signing_key(agency_id: str, /) -> PublicKey | None:
        return None

    return Service(
        name=os.environ["ECHO_GROUP"],
        routers=[],
        agency_signing_key=agency_signing_key,
        handler=handle,
        pattern=re.escape(os.environ["ECHO_HEARS"]),
    )


if __name__ == "__main__":
    serve("echo", ServiceSettings(), compose)
