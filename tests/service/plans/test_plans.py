"""At a million referrals no statement on the hot path reads a whole table, with its parameters known or not.

`pytest -s` prints every statement with its plan. Nearly all of the time goes into filling, a million rows to a table.
"""

import asyncio
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa

from deploy.access import PostgresAccess
from deploy.blocking import run_blocking
from deploy.provisioning.databases import connect
from services.audit import storage as audit_storage
from services.consent import storage as consent_storage
from services.eventing.database import SERVER_SETTINGS
from services.eventing.statements import Statement as SqlStatement
from services.referral import storage as referral_storage
from tests.infra.databases import forget_database, fresh_database
from tests.infra.infrastructure import Infrastructure
from tests.service.plans.capturing import Captured, capturing, tell_statements
from tests.service.plans.explaining import MODES, Plan, explain
from tests.service.plans.filling import fill
from tests.service.plans.hot_path import SERVICES, hot_path

pytestmark = pytest.mark.timeout(900)

_DECLARING = (
    *(f"services.eventing.{name}" for name in ("admission", "outbox", "parked_watch", "parking", "positions")),
    *(f"services.membership.{name}" for name in ("members", "projection")),
    "services.runtime.idempotency",
    "services.notify.storage",
    *(
        f"{package.__name__}.{module.name}"
        for package in (audit_storage, consent_storage, referral_storage)
        for module in pkgutil.iter_modules(package.__path__)
    ),
)
"""Where the statements of the hot path are declared."""
_ELSEWHERE = {
    "services.eventing.parking": {"_LIST", "_REQUEST", "_COUNT"},  # a person at a terminal
    # A ward office, on the day of a disaster; whom it concerns may be many.
    "services.consent.storage.disasters": {"_DECLARE", "_LIFT", "_AREAS"},
    # A file of evidence comes seldom, and is opened in a dispute only; each is looked up by its key.
    "services.consent.storage.evidence": {"_NAME", "_NAMED", "_NOTE", "_NOTE_AGAIN"},
    "services.audit.storage.evidence": {
        *("_KEPT", "_LOCK", "_TAKEN", "_KEEP", "_ADD_PIECE", "_PIECE", "_EARLIER", "_ASK", "_LAST_ASKING"),
    },
    "services.consent.storage.due": {"_NOTE_CONDITIONAL"},
    "services.consent.storage.referrals": {"_HOLD"},  # a release that was overtaken and is decided anew
    # Before a restored database is served, and as it is told of again; of a start only what looks whether it is one.
    "services.consent.storage.restoring": {
        "_MOVE_HEADS",
        "_OPEN_RECORD",
        "_COUNT",
        "_LINK",
        "_COVER",
        "_NOTE",
        "_NUMBERS",
        "_TAKE_AGAIN",
        "_TAKEN",
        "_SECTIONS_AGAIN",
        "_HANDLES_AGAIN",
        "_KEYS_AGAIN",
        "_REFER_AGAIN",
        "_DUE_AGAIN",
    },
    "services.consent.storage.handles": {"_RESTORE"},
    "services.consent.storage.asking": {"_REMIND_AGAIN"},
    "services.consent.storage.cases": {"_PART_AGAIN", "_CLOSE_AGAIN"},
    "services.consent.storage.joins": {"_EVERY"},  # a database that was restored
    "services.eventing.outbox": {"HEADS"},  # a batch that says something of a stream which it has not read
}
"""Of these, what is executed by others than the services on their hot path."""


@dataclass(frozen=True, slots=True)
class Full:
    """The services' databases, full, and what was executed in each while referrals went their way."""

    admin: PostgresAccess
    databases: dict[str, PostgresAccess]
    captured: dict[str, Captured] = field(repr=False)

    def beside(self, service: str) -> PostgresAccess:
        """The administrator's access to a service's database."""
        return self.admin.as_role(self.admin.username, self.admin.password, self.databases[service].database)

    async def plans(self, service: str, connection: asyncpg.Connection) -> list[Plan]:
        """The plans of everything that a service executed, made under the settings of its connections."""
        for name, value in SERVER_SETTINGS.items():
            await connection.execute("SELECT set_config($1, $2, false)", name, value)
        statements = self.captured[service].values()
        return [await explain(connection, statement, mode) for statement, mode in product(statements, MODES)]


@pytest.fixture(scope="module")
def full(infra: Infrastructure, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    """Four services with a million referrals behind them, and a few more on their way."""
    databases = {service: fresh_database(infra.postgres, service) for service in SERVICES}
    try:
        yield run_blocking(_filled(infra.postgres, databases, tmp_path_factory.mktemp("keys")))
    finally:
        for database in databases.values():
            forget_database(infra.postgres, database)


async def _filled(admin: PostgresAccess, databases: dict[str, PostgresAccess], folder: Path) -> Full:
    await asyncio.gather(*(fill(admin, database) for database in databases.values()))
    for database in databases.values():
        await tell_statements(admin, database.database)
    with capturing() as heard:
        async with hot_path(admin, databases, folder) as services:
            await services.go()
    return Full(admin, databases, {service: heard[databases[service].database] for service in SERVICES})


@pytest.mark.parametrize("service", SERVICES)
async def test_no_statement_reads_a_whole_table(full: Full, service: str) -> None:
    """Everything that the hot path executes is answered by indexes, also where it is planned without parameters."""
    async with connect(full.beside(service)) as connection:
        plans = await full.plans(service, connection)

    for plan in sorted(plans, key=lambda each: -each.cost):
        print(f"{plan.cost:9.0f}  {plan.mode:18}  {' '.join(plan.statement.sql.split())[:100]}")  # noqa: T201
        print(f"{'':31}{' < '.join(plan.nodes)[:200]}")  # noqa: T201
    assert not [f"{plan.findings} {plan.mode}\n{plan.statement.sql}\n{plan.text}" for plan in plans if plan.findings]


def test_the_hot_path_executes_every_statement_that_is_declared_for_it(full: Full) -> None:
    """Whatever the storage modules declare has been captured, alone or as a part, so that no plan is left out."""
    captured = [_plain(sql) for statements in full.captured.values() for sql in statements]

    assert {name for name, text in _declared() if not any(_plain(text) in sql for sql in captured)} == set()


def _declared() -> Iterator[tuple[str, str]]:
    for path in _DECLARING:
        for name, value in vars(importlib.import_module(path)).items():
            if isinstance(value, sa.TextClause | SqlStatement) and name not in _ELSEWHERE.get(path, ()):
                yield f"{path}.{name}", value.text


def _plain(sql: str) -> str:
    """The text without its layout and without what tells one parameter from another."""
    return " ".join(re.sub(r"(?:\$\d+|(?<!:):[a-z]\w*)(?:::[A-Z]+(?:\[\])?)?", "?", sql).split())


@pytest.mark.parametrize(
    ("service", "index"),
    [
        ("referral", "outbox_unpublished_key"),
        ("referral", "referrals_sent"),
        ("consent", "referrals_record"),
        ("notify", "followed_referrals_waiting"),
        ("audit", "read_events_aggregate"),
    ],
)
async def test_a_missing_index_is_noticed(full: Full, service: str, index: str) -> None:
    """Without one of its indexes, a service has a statement that reads too much."""
    async with connect(full.beside(service)) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"DROP INDEX {index}")
        plans = await full.plans(service, connection)
        await transaction.rollback()

    assert [plan for plan in plans if plan.findings]
