"""Records that are one person's: which are, and what that person has said under all of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import groupby

from services.consent.domain.facts import Facts
from services.consent.domain.statements import Statement
from services.consent.domain.word import Word


def components(record_ids: Collection[str], joins: Iterable[tuple[str, str]]) -> list[frozenset[str]]:
    """Part records into persons: two are one person's where joins lead from one to the other."""
    part_of = {record_id: frozenset({record_id}) for record_id in record_ids}
    for one, other in joins:
        both = part_of[one] | part_of[other]
        part_of |= dict.fromkeys(both, both)
    return sorted(set(part_of.values()), key=min)


def merged(words: Mapping[str, Word]) -> Word:
    """What a person has said under all of their records, by record id, as one word.

    One record's word is itself. The statements of several get new numbers in the order in which they were recorded;
    where several records were spoken on at the very same moment, as only before they were joined, a no is the later.
    A support keeps its number: whoever decides over several records decides over all that they were given.
    """
    if len(words) == 1:
        return next(iter(words.values()))
    said = sorted(
        ((record_id, statement) for record_id, word in words.items() for statement in word.statements),
        key=lambda each: each[1].recorded_at,
    )
    in_order = [
        statement
        for _, at_once in groupby(said, key=lambda each: each[1].recorded_at)
        for statement in _in_order(list(at_once))
    ]
    facts = Facts(
        frozenset().union(*(word.facts.supports for word in words.values())),
        frozenset().union(*(word.facts.disasters for word in words.values())),
    )
    return Word(tuple(replace(each, number=place) for place, each in enumerate(in_order, start=1)), facts)


def _in_order(at_once: list[tuple[str, Statement]]) -> list[Statement]:
    """Statements recorded at one moment: of one record by their numbers, of several the noes last."""
    several = len({record_id for record_id, _ in at_once}) > 1
    at_once.sort(key=lambda each: (several and each[1].is_negative, each[0], each[1].number))
    return [statement for _, statement in at_once]


def up_to(words: Mapping[str, Word], numbers: Mapping[str, int]) -> dict[str, Word]:
    """The same words as each record stood at its own number; a record of which no number is given had said nothing."""
    return {
        record_id: Word(
            tuple(each for each in word.statements if each.number <= numbers.get(record_id, 0)),
            replace(
                word.facts,
                supports=frozenset(each for each in word.facts.supports if each.number <= numbers.get(record_id, 0)),
            ),
        )
        for record_id, word in words.items()
    }


def own_number(words: Mapping[str, Word], statement_id: str) -> int:
    """The number of a statement under the record on which it was recorded."""
    return next(each.number for word in words.values() for each in word.statements if each.statement_id == statement_id)
