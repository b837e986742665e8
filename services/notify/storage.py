"""Notify's tables and the statements on them: followed referrals, inboxes and their items."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.eventing.statements import Statement
from services.eventing.work import Work
from services.notify.domain import Notice, Standing

metadata = sa.MetaData()

followed_referrals = sa.Table(
    "followed_referrals",
    metadata,
    sa.Column("referral_id", sa.Text, primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("sender_coordinator", sa.Text),
    sa.Column("addressee", sa.Text, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("urgency", sa.Text, nullable=False),
    sa.Column("delivered_version", sa.Integer),
    sa.Column("delivered_at", sa.DateTime(timezone=True)),
    # A new appointment asks which deliveries still wait at its agency.
    sa.Index("followed_referrals_waiting", "addressee", postgresql_where=sa.text("state = 'delivered'")),
)
"""What notify remembers of each referral, so that it can name the sender's coordinator later on."""

inboxes = sa.Table(
    "inboxes",
    metadata,
    sa.Column("coordinator_id", sa.Text, primary_key=True),
    sa.Column("last_number", sa.BigInteger, nullable=False),
)
"""The last number given to an item of each coordinator; its row lock puts items into one order."""

inbox_items = sa.Table(
    "inbox_items",
    metadata,
    sa.Column("coordinator_id", sa.Text, primary_key=True),
    # Given out under the inbox row's lock, so items become visible in the order of their numbers and a
    # reader who resumes after one can miss none. Some numbers stay unused.
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("notification_id", sa.Text, nullable=False, unique=True),
    sa.Column("agency_id", sa.Text, nullable=False),
    sa.Column("referral_id", sa.Text, nullable=False),
    sa.Column("referral_version", sa.Integer, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("area", sa.Text),
    sa.Column("urgency", sa.Text),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("acknowledged_at", sa.DateTime(timezone=True)),
    sa.Column("about", sa.Text, nullable=False, server_default=""),
    sa.Column("due_on", sa.Date),
    sa.UniqueConstraint(
        "referral_id", "referral_version", "coordinator_id", "about", "message", name="inbox_items_once"
    ),
    sa.Index("inbox_items_unseen", "coordinator_id", "number", postgresql_where=sa.text("acknowledged_at IS NULL")),
)
"""What each coordinator has been told, once per version of a referral, or per duty and message."""

WAKE_CHANNEL = "tsunagu_inbox"
"""The PostgreSQL channel on which the ids of coordinators with new items are announced at commit."""


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One item of a coordinator's inbox."""

    coordinator_id: str
    number: int
    notification_id: str
    agency_id: str
    referral_id: str
    referral_version: int
    message: str
    area: str | None
    urgency: str | None
    created_at: datetime
    acknowledged_at: datetime | None
    about: str
    due_on: date | None


_FOLLOW = Statement("""
    INSERT INTO followed_referrals AS known (
        referral_id, state, sender, sender_coordinator, addressee, area, urgency,
        delivered_version, delivered_at
    )
    SELECT * FROM unnest(
        CAST(:referral_id AS text[]), CAST(:state AS text[]), CAST(:sender AS text[]),
        CAST(:sender_coordinator AS text[]), CAST(:addressee AS text[]), CAST(:area AS text[]),
        CAST(:urgency AS text[]), CAST(:delivered_version AS int[]), CAST(:delivered_at AS timestamptz[])
    )
    ON CONFLICT (referral_id) DO UPDATE SET
        state = excluded.state,
        sender_coordinator = coalesce(excluded.sender_coordinator, known.sender_coordinator),
        addressee = excluded.addressee,
        area = excluded.area,
        urgency = excluded.urgency,
        delivered_version = coalesce(excluded.delivered_version, known.delivered_version),
        delivered_at = coalesce(excluded.delivered_at, known.delivered_at)
""")
_NUMBERED = Statement(
    """
    INSERT INTO inboxes AS inbox (coordinator_id, last_number)
    SELECT * FROM unnest(CAST(:coordinator_id AS text[]), CAST(:count AS bigint[])) AS wanted (coordinator_id)
    ON CONFLICT (coordinator_id) DO UPDATE SET last_number = inbox.last_number + excluded.last_number
    RETURNING coordinator_id, last_number
    """,
    name="numbered",
)
_PUT = Statement("""
    INSERT INTO inbox_items (
        coordinator_id, number, notification_id, agency_id, referral_id, referral_version,
        message, area, urgency, about, due_on, created_at
    )
    SELECT numbered.coordinator_id, numbered.last_number - said.from_last, said.notification_id, said.agency_id,
        said.referral_id, said.referral_version, said.message, said.area, said.urgency,
        said.about, said.due_on,
        CAST(:created_at AS timestamptz)
    FROM unnest(
        CAST(:coordinator_id AS text[]), CAST(:from_last AS int[]), CAST(:notification_id AS text[]),
        CAST(:agency_id AS text[]), CAST(:referral_id AS text[]), CAST(:referral_version AS int[]),
        CAST(:message AS text[]), CAST(:area AS text[]), CAST(:urgency AS text[]), CAST(:about AS text[]),
        CAST(:due_on AS date[])
    ) AS said (
        coordinator_id, from_last, notification_id, agency_id, referral_id, referral_version, message, area, urgency,
        about, due_on
    ) JOIN numbered ON numbered.coordinator_id = said.coordinator_id
""")
_TOLD = Statement("""
    SELECT referral_id, referral_version, coordinator_id, about, message FROM inbox_items
    WHERE (referral_id, referral_version) IN (
        SELECT * FROM unnest(CAST(:referral_id AS text[]), CAST(:referral_version AS int[]))
    )
""")
_SENDERS = Statement("""
    SELECT referral_id, sender_coordinator FROM followed_referrals
    WHERE referral_id = ANY(CAST(:referral_id AS text[])) AND sender_coordinator IS NOT NULL
""")
_WAITING = Statement("""
    SELECT referral_id, state, sender, sender_coordinator, addressee, area, urgency, delivered_version, delivered_at
    FROM followed_referrals WHERE state = 'delivered' AND addressee = ANY(CAST(:agencies AS text[]))
""")
_WAKE = Statement("""
    SELECT pg_notify(CAST(:channel AS text), told) FROM unnest(CAST(:coordinators AS text[])) AS told
""")


def follow(work: Work, referrals: Sequence[Standing]) -> None:
    """Remember where each referral now stands; none may stand twice in `referrals`."""
    if referrals:
        names = [column.name for column in followed_referrals.columns]
        # In the order of ids, so that two batches never wait for each other in a circle.
        ordered = sorted(referrals, key=lambda referral: referral.referral_id)
        work.later(_FOLLOW, {name: [getattr(referral, name) for referral in ordered] for name in names})


async def senders_of(work: Work, referral_ids: Collection[str]) -> Mapping[str, str]:
    """The coordinators who answered for these referrals at their senders, as far as remembered."""
    if not referral_ids:
        return {}
    rows = await work.fetch(_SENDERS, {"referral_id": sorted(referral_ids)})
    return {referral_id: coordinator_id for referral_id, coordinator_id in rows}  # noqa: C416 - rows are not pairs to mypy


async def waiting_at(work: Work, agencies: Collection[str]) -> Sequence[Standing]:
    """The referrals that were delivered to these agencies and still wait for an answer."""
    return [Standing(*row) for row in await work.fetch(_WAITING, {"agencies": sorted(agencies)})]


async def untold(work: Work, notices: Sequence[Notice]) -> Sequence[Notice]:
    """Those of these notices that are in no inbox: each is known by what `Notice` says."""
    if not notices:
        return []
    versions = sorted({(notice.referral_id, notice.referral_version) for notice in notices})
    rows = await work.fetch(
        _TOLD,
        {
            "referral_id": [referral_id for referral_id, _ in versions],
            "referral_version": [version for _, version in versions],
        },
    )
    told = {tuple(row) for row in rows}
    return [
        each
        for each in notices
        if (each.referral_id, each.referral_version, each.coordinator_id, each.about, each.message.value) not in told
    ]


def put(work: Work, notices: Mapping[str, Notice]) -> None:
    """Put notices, by the ids they are to have, into inboxes, and announce that to every replica at commit."""
    if not notices:
        return
    counts = Counter(notice.coordinator_id for notice in notices.values())
    coordinators = sorted(counts)
    left = dict(counts)
    from_last: list[int] = []
    for notice in notices.values():
        left[notice.coordinator_id] -= 1
        from_last.append(left[notice.coordinator_id])
    told = list(notices.values())
    work.later(_NUMBERED, {"coordinator_id": coordinators, "count": [counts[each] for each in coordinators]})
    work.later(
        _PUT,
        {
            "coordinator_id": [notice.coordinator_id for notice in told],
            "from_last": from_last,
            "notification_id": list(notices),
            "agency_id": [notice.agency_id for notice in told],
            "referral_id": [notice.referral_id for notice in told],
            "referral_version": [notice.referral_version for notice in told],
            "message": [notice.message.value for notice in told],
            "area": [notice.area for notice in told],
            "urgency": [notice.urgency for notice in told],
            "about": [notice.about for notice in told],
            "due_on": [notice.due_on for notice in told],
            "created_at": work.now,
        },
    )
    # Stating how many it is makes sure that they are announced: a part that nobody reads would not be run.
    work.later(_WAKE, {"channel": WAKE_CHANNEL, "coordinators": coordinators}, touches=len(coordinators))


async def page(
    session: AsyncSession,
    coordinator_id: str,
    agencies: Collection[str],
    *,
    before: int | None,
    unseen_only: bool,
    limit: int,
) -> Sequence[InboxItem]:
    """A coordinator's items for these agencies, newest first, older than number `before`."""
    query = _inbox(coordinator_id, agencies)
    if before is not None:
        query = query.where(inbox_items.c.number < before)
    if unseen_only:
        query = query.where(inbox_items.c.acknowledged_at.is_(None))
    rows = await session.execute(query.order_by(inbox_items.c.number.desc()).limit(limit))
    return [InboxItem(**row._mapping) for row in rows]


async def after(
    session: AsyncSession, coordinator_id: str, agencies: Collection[str], number: int, limit: int
) -> Sequence[InboxItem]:
    """A coordinator's items for these agencies that came after `number`, oldest first."""
    query = _inbox(coordinator_id, agencies).where(inbox_items.c.number > number)
    rows = await session.execute(query.order_by(inbox_items.c.number).limit(limit))
    return [InboxItem(**row._mapping) for row in rows]


async def last_number(session: AsyncSession, coordinator_id: str) -> int:
    """The number after which a coordinator's next item will come."""
    query = sa.select(inboxes.c.last_number).where(inboxes.c.coordinator_id == coordinator_id)
    return (await session.execute(query)).scalar_one_or_none() or 0


async def acknowledge(
    session: AsyncSession, notification_id: str, coordinator_id: str, agencies: Collection[str], at: datetime
) -> tuple[InboxItem, bool] | None:
    """Mark a coordinator's own item as seen; returns it and whether this call did so, None if there is none."""
    own = sa.and_(
        inbox_items.c.notification_id == notification_id,
        inbox_items.c.coordinator_id == coordinator_id,
        inbox_items.c.agency_id.in_(sorted(agencies)),
    )
    marked = await session.execute(
        sa.update(inbox_items)
        .where(own, inbox_items.c.acknowledged_at.is_(None))
        .values(acknowledged_at=at)
        .returning(inbox_items)
    )
    row = marked.one_or_none()
    if row is not None:
        return InboxItem(**row._mapping), True
    seen = (await session.execute(sa.select(inbox_items).where(own))).one_or_none()
    return None if seen is None else (InboxItem(**seen._mapping), False)


def _inbox(coordinator_id: str, agencies: Collection[str]) -> sa.Select[tuple[object, ...]]:
    return sa.select(inbox_items).where(
        inbox_items.c.coordinator_id == coordinator_id, inbox_items.c.agency_id.in_(sorted(agencies))
    )
