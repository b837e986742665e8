"""What holds of every decision, over generated histories, against an oracle written another way."""

from dataclasses import replace
from random import Random
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from services.consent.domain.decisions import decide
from services.consent.domain.requests import Request
from services.consent.domain.statements import Statement
from tests.unit.consent.saying import CLINIC, DESK, SCHOOL, at, said
from tsunagu_contracts.codes import Category, Purpose, StatementKind, StatementMethod

T = TypeVar("T")
AGENCIES = [CLINIC, DESK, SCHOOL]
CATEGORIES = [Category.IDENTITY, Category.HEALTH]
PURPOSES = [Purpose.SERVICE, Purpose.ASSESSMENT]


def some_of(random: Random, values: list[T]) -> list[T]:
    """A non-empty choice."""
    return random.sample(values, random.randint(1, len(values)))


def a_history(random: Random) -> list[Statement]:
    """What was recorded of one person: numbers and recording times rise, clocks differ a little."""
    statements: list[Statement] = []
    recorded = 0
    for number in range(1, random.randint(0, 9) + 1):
        recorded += random.randint(0, 3)
        kind = random.choice(list(StatementKind))
        latest = recorded + 2 if kind is StatementKind.GRANT else recorded + 20
        begins = random.choice([-1000, recorded, recorded + 4])
        statements.append(
            said(
                kind,
                number,
                categories=some_of(random, CATEGORIES),
                to=random.choice([None, some_of(random, AGENCIES)]),
                purposes=some_of(random, PURPOSES),
                how=random.choice(list(StatementMethod)),
                stated=random.randint(-5, latest),
                recorded=recorded,
                begins=begins,
                ends=random.choice([None, random.randint(begins + 1, max(begins, recorded) + 9)]),
                by=random.choice(AGENCIES),
            )
        )
    return statements


# One draw per history keeps thousands of cases cheap; a failing seed is shrunk and can be replayed.
histories = st.integers(0, 2**48).map(lambda seed: a_history(Random(seed)))
requests = st.builds(
    Request,
    category=st.sampled_from(CATEGORIES),
    recipient=st.sampled_from(AGENCIES),
    purpose=st.sampled_from(PURPOSES),
    at=st.integers(0, 40).map(at),
)


def oracle(statements: list[Statement], request: Request, as_of: int) -> bool:
    """The rules as sentences over all pairs of statements, slow and without any order of evaluation.

    There is a grant such that it may speak at all, is running, no negative stands against it, no later
    grant has taken its place, and every refusal by name has been lifted by name.
    """

    def matters(s: Statement) -> bool:
        return (
            s.number <= as_of
            and {request.category} <= s.categories
            and {request.purpose} <= s.purposes
            and (s.recipients is None or {request.recipient} <= s.recipients)
        )

    def says_no(s: Statement) -> bool:
        return matters(s) and s.kind in {StatementKind.REFUSE, StatementKind.WITHDRAW}

    def says_yes(s: Statement) -> bool:
        heard_by_others = s.how is not StatementMethod.SPOKEN or s.recorded_by_agency != request.recipient
        enough = heard_by_others or request.category in {Category.IDENTITY, Category.CONTACT}
        begun = request.at >= s.valid_from
        spoken_after_every_no = not any(says_no(n) and not s.stated_at > n.recorded_at for n in statements)
        return matters(s) and s.kind is StatementKind.GRANT and enough and begun and spoken_after_every_no

    def running(s: Statement) -> bool:
        return s.valid_until is None or request.at < s.valid_until

    def by_name(s: Statement) -> bool:
        return s.recipients is not None and request.recipient in s.recipients

    def lifted(refusal: Statement) -> bool:
        return any(says_yes(g) and running(g) and by_name(g) and g.number > refusal.number for g in statements)

    return any(
        says_yes(g)
        and running(g)
        and not any(says_no(n) and n.number > g.number for n in statements)
        and not any(says_yes(later) and later.number > g.number for later in statements)
        and all(lifted(r) for r in statements if says_no(r) and r.kind is StatementKind.REFUSE and by_name(r))
        for g in statements
    )


@settings(max_examples=5000, deadline=None)
@given(histories, requests, st.integers(0, 10))
def test_agrees_with_the_oracle(statements: list[Statement], request: Request, as_of: int) -> None:
    """The decision permits exactly where the rules, written as sentences, permit."""
    assert decide(statements, request, as_of).permit == oracle(statements, request, as_of)


@settings(max_examples=500, deadline=None)
@given(histories, requests)
def test_replay_equals_the_decision_taken(statements: list[Statement], request: Request) -> None:
    """Replayed as of n over the whole history, a decision is the one taken when n was the last number."""
    for n in range(len(statements) + 1):
        assert decide(statements, request, n) == decide(statements[:n], request, n)


@settings(max_examples=500, deadline=None)
@given(histories, requests, st.integers())
def test_order_of_reading_is_nothing(statements: list[Statement], request: Request, seed: int) -> None:
    """The numbers decide, not the order in which statements are read."""
    shuffled = Random(seed).sample(statements, len(statements))

    assert decide(shuffled, request, 10) == decide(statements, request, 10)


@settings(max_examples=1000, deadline=None)
@given(histories, requests)
def test_after_a_no_only_a_later_stated_grant_permits(statements: list[Statement], request: Request) -> None:
    """Once a no is recorded, whatever permits later rests on a grant stated after that recording."""
    for n in range(len(statements) + 1):
        decision = decide(statements, request, n)
        if not decision.permit or decision.statement_number is None:
            continue
        basis = statements[decision.statement_number - 1]
        for earlier in statements[:n]:
            speaks = (
                earlier.is_negative
                and request.category in earlier.categories
                and request.purpose in earlier.purposes
                and earlier.concerns(request.recipient)
            )
            assert not speaks or (basis.stated_at > earlier.recorded_at and basis.number > earlier.number)


@settings(max_examples=500, deadline=None)
@given(histories, requests)
def test_a_new_withdrawal_always_closes(statements: list[Statement], request: Request) -> None:
    """Whatever went before, a withdrawal recorded now leaves nothing open."""
    number = len(statements) + 1
    now = max([0.0, *((s.recorded_at - at(0)).total_seconds() / 60 for s in statements)])
    withdrawal = said(
        StatementKind.WITHDRAW,
        number,
        categories=[request.category],
        to=[request.recipient],
        purposes=[request.purpose],
        recorded=now,
    )

    assert not decide([*statements, withdrawal], request, number).permit


@settings(max_examples=500, deadline=None)
@given(histories, requests)
def test_every_answer_names_its_ground(statements: list[Statement], request: Request) -> None:
    """A decision names a statement that speaks of what was asked, or says that there is none."""
    decision = decide(statements, request, 10)

    if decision.statement_number is None:
        assert not decision.permit
        return
    ground = statements[decision.statement_number - 1]
    assert ground.statement_id == decision.statement_id
    assert request.category in ground.categories
    assert ground.concerns(request.recipient)


@given(histories, requests)
def test_what_was_said_of_others_changes_nothing(statements: list[Statement], request: Request) -> None:
    """Statements about other agencies leave the decision about this one alone."""
    others = [replace(s, recipients=frozenset({"somebody-else"}), number=s.number + 100) for s in statements]

    assert decide([*statements, *others], request, 1000) == decide(statements, request, 1000)
