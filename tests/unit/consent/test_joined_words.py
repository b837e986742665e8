"""Words of several records as one: nothing lost, nothing out of order, and a no never weaker than before."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.consent.domain.decisions import decide
from services.consent.domain.facts import Facts, Support
from services.consent.domain.joins import components, merged, own_number, up_to
from services.consent.domain.requests import Request
from services.consent.domain.statements import Statement
from services.consent.domain.word import Word
from tests.unit.consent.saying import DESK, at, said
from tsunagu_contracts.codes import Category, Purpose, StatementKind

GRANT, REFUSE, WITHDRAW = StatementKind.GRANT, StatementKind.REFUSE, StatementKind.WITHDRAW
REQUEST = Request(Category.HEALTH, DESK, Purpose.SERVICE, at(10_000))


def record(name: str, spoken: list[tuple[StatementKind, int]]) -> Word:
    """The word of one record: kinds with the minute of recording, numbered as they stand."""
    statements = [
        replace(
            said(kind, number, recorded=float(minute)),
            statement_id=f"{name}-{number}",
            stated_at=at(minute) + timedelta(seconds=1),
        )
        for number, (kind, minute) in enumerate(sorted(spoken, key=lambda each: each[1]), start=1)
    ]
    return Word(tuple(statements))


_RECORDS = st.dictionaries(
    st.sampled_from("abc"),
    st.lists(st.tuples(st.sampled_from([GRANT, REFUSE, WITHDRAW]), st.integers(1, 6)), max_size=5),
)


def permits(word: Word) -> bool:
    """Whether the desk may open health."""
    return decide(word.statements, REQUEST, len(word.statements), word.facts).permit


@given(_RECORDS.filter(bool))
def test_merging_keeps_what_was_said_in_the_order_of_its_recording(
    spoken: dict[str, list[tuple[StatementKind, int]]],
) -> None:
    """Every statement is there once, under numbers of its own that rise with the moments of recording."""
    words = {name: record(name, each) for name, each in spoken.items()}

    whole = merged(words)

    ids = [each.statement_id for each in whole.statements]
    assert sorted(ids) == sorted(each.statement_id for word in words.values() for each in word.statements)
    assert [each.number for each in whole.statements] == list(range(1, len(ids) + 1))
    moments = [each.recorded_at for each in whole.statements]
    assert moments == sorted(moments)
    for each in whole.statements:
        assert own_number(words, each.statement_id) == int(each.statement_id.partition("-")[2])


@given(_RECORDS.filter(bool))
def test_a_last_no_on_any_record_is_a_no(spoken: dict[str, list[tuple[StatementKind, int]]]) -> None:
    """Where the latest moment of all has a no on some record and nothing after it there, the person says no."""
    words = {name: record(name, each) for name, each in spoken.items()}
    latest = max((each.recorded_at for word in words.values() for each in word.statements), default=None)
    last: list[Statement] = [word.statements[-1] for word in words.values() if word.statements]
    if any(each.is_negative and each.recorded_at == latest for each in last):
        assert not permits(merged(words))


def test_a_yes_later_than_the_no_of_another_record_lifts_it() -> None:
    """The order of recording decides across records as it does within one."""
    no, yes = record("a", [(REFUSE, 1)]), record("b", [(GRANT, 2)])
    assert not permits(merged({"a": no, "b": record("b", [(GRANT, 1)])}))
    # A refusal that names the desk yields to a later grant that names it too.
    assert permits(merged({"a": no, "b": yes}))


def test_as_of_numbers() -> None:
    """Each record is read up to its own number, statements and supports alike; without one it had said nothing."""
    word = replace(record("a", [(GRANT, 1), (REFUSE, 2)]), facts=Facts(frozenset({Support("a-1", 3)})))
    found = up_to({"a": word, "b": word}, {"a": 1})
    assert [each.number for each in found["a"].statements] == [1]
    assert (found["a"].facts.supports, found["b"].statements) == (frozenset(), ())


@given(st.sets(st.integers(0, 6), min_size=1), st.data())
def test_components(ids: set[int], data: st.DataObject) -> None:
    """Every record is in one part, and two are in the same one if and only if a path of joins leads there."""
    records = [str(each) for each in sorted(ids)]
    pairs = data.draw(st.lists(st.tuples(st.sampled_from(records), st.sampled_from(records))))

    parts = components(records, pairs)

    assert sorted(each for part in parts for each in part) == records
    assert all(any({one, other} <= part for part in parts) for one, other in pairs)
    for part in parts:
        reached, grown = {min(part)}, set[str]()
        while reached != grown:
            grown = set(reached)
            reached |= {end for pair in pairs if reached & set(pair) for end in pair}
        assert reached == part
