"""What persons have said, with the facts beside it, as decisions take it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.consent.domain.facts import Disaster, Facts, Support
from services.consent.domain.statements import Statement
from services.consent.domain.word import Word
from services.consent.storage import statements
from services.eventing.statements import Row
from tsunagu_contracts.codes import Area

SUPPORTS = "SELECT record_id, statement_id, number, agency_id FROM supports"
"""What `word_of` takes of supports."""

DISASTERS = "SELECT area, declared_at, lifted_at FROM disasters"
"""What `word_of` takes of disasters."""

_SUPPORTS = sa.text(f"{SUPPORTS} WHERE record_id = ANY(:record_ids)")
_DISASTERS = sa.text(f"{DISASTERS} WHERE area = ANY(:areas)")


async def of(session: AsyncSession, record_ids: Collection[str]) -> dict[str, Word]:
    """Read the word of these persons, by record id; every id asked for is there."""
    said = await statements.of(session, record_ids)
    if not any(said.values()):
        return dict.fromkeys(record_ids, Word())
    supports = await session.execute(_SUPPORTS, {"record_ids": list(record_ids)})
    areas = {each.disaster_in.value for spoken in said.values() for each in spoken if each.disaster_in}
    disasters = (await session.execute(_DISASTERS, {"areas": sorted(areas)})).all() if areas else []
    return words(said, supports.all(), disasters)


def words(
    said: Mapping[str, Collection[Statement]], supports: Iterable[Row], disasters: Iterable[Row]
) -> dict[str, Word]:
    """Put statements together with the rows of `SUPPORTS` and `DISASTERS`, by record id."""
    on = frozenset(Disaster(Area(area), declared_at, lifted_at) for area, declared_at, lifted_at in disasters)
    by_record: dict[str, set[Support]] = defaultdict(set)
    for record_id, statement_id, number, agency_id in supports:
        by_record[record_id].add(Support(statement_id, number, agency_id))
    return {
        record_id: Word(tuple(spoken), Facts(frozenset(by_record[record_id]), on)) for record_id, spoken in said.items()
    }
