"""How a statement stands: counting, over, or overtaken, and how much of that a party is told."""

from collections.abc import Sequence

from hypothesis import given

from services.consent.domain.coverage import Referral, Section
from services.consent.domain.exports.standing import Heard, Standing, standing_of
from services.consent.domain.statements import Statement
from services.consent.domain.word import Word
from tests.unit.consent.saying import CLINIC, DESK, GUARDIAN, GUARDIAN_OVERRULES, SCHOOL, at, said
from tests.unit.consent.test_decisions_properties import histories
from tsunagu_contracts.codes import Area, Category, Purpose, ReferralState, StatementKind, StatementMethod

GRANT, REFUSE, WITHDRAW, CONFIRM = StatementKind
REFERRAL = Referral(
    "r-1", "record", "h-1", CLINIC, DESK, Purpose.SERVICE, ReferralState.DELIVERED, None,
    (Section("s-1", Category.HEALTH, "digest"),),
)  # fmt: skip


def stands(
    statement: Statement, *others: Statement, elsewhere: Sequence[Statement] = (), minutes: float = 50
) -> Standing:
    """How a statement stands among others of its referral, and those that were said elsewhere."""
    here = (statement, *others)
    return standing_of(statement, Heard(REFERRAL, Word(here), Word((*here, *elsewhere))), at(minutes))


def test_a_word_counts_until_another_takes_its_place() -> None:
    """A grant counts until it is taken back, a refusal until it is lifted, and each says by what and since when."""
    assert stands(said(GRANT, 1)).counts
    assert stands(said(REFUSE, 1)).counts
    assert stands(said(GRANT, 1), said(WITHDRAW, 2)) == Standing(False, at(2), WITHDRAW)
    assert stands(said(REFUSE, 1), said(GRANT, 2)) == Standing(False, at(2), GRANT)
    assert stands(said(GRANT, 1), said(GRANT, 2)) == Standing(False, at(2), GRANT)


def test_what_is_taken_back_in_part_still_counts() -> None:
    """A grant counts while one category, recipient and purpose of it do."""
    both = said(GRANT, 1, categories=[Category.HEALTH, Category.CONTACT], to=[DESK, SCHOOL])

    assert stands(both, said(WITHDRAW, 2, categories=[Category.HEALTH])).counts
    assert stands(both, said(WITHDRAW, 2, categories=both.categories)).counts
    assert not stands(both, said(WITHDRAW, 2, categories=both.categories, to=None)).counts
    assert stands(said(GRANT, 1, to=None), said(WITHDRAW, 2)).counts


def test_a_period_that_is_over() -> None:
    """A grant stops counting with its period; one that is still to begin, or waits for its condition, counts."""
    assert stands(said(GRANT, 1, ends=20)) == Standing(False, at(20))
    assert stands(said(GRANT, 1, begins=90, ends=99)).counts
    assert stands(said(GRANT, 1, disaster=Area.FUJIMI)).counts
    assert stands(said(GRANT, 1, how=StatementMethod.SPOKEN, by=DESK)).counts
    assert stands(said(REFUSE, 1, ends=20)).counts


def test_a_word_that_never_counted() -> None:
    """A grant that came too late, or over the person's own no, does not count and leaves that no in its place."""
    late = said(GRANT, 2, stated=0)
    assert stands(late, said(REFUSE, 1)) == Standing(False, at(1), REFUSE)
    assert stands(said(REFUSE, 1), late).counts
    assert not stands(said(GRANT, 2, of=GUARDIAN), said(REFUSE, 1)).counts
    assert stands(said(GRANT, 2, of=GUARDIAN_OVERRULES), said(REFUSE, 1, to=None)).counts


def test_a_confirmation_stands_as_a_grant_would() -> None:
    """A confirmation counts until the word that it repeats is taken back."""
    assert stands(said(CONFIRM, 2, confirms=1), said(GRANT, 1)).counts
    assert not stands(said(CONFIRM, 2, confirms=1), said(GRANT, 1), said(WITHDRAW, 3)).counts


def test_what_was_said_elsewhere_is_told_as_coverage_tells_it() -> None:
    """Of words recorded through other referrals a party learns what its own coverage says, and not when."""
    taken_back = [said(WITHDRAW, 2, categories=list(Category), to=None, purposes=list(Purpose))]

    assert stands(said(GRANT, 1), elsewhere=taken_back) == Standing(False, at(50), WITHDRAW)
    for beyond in (
        said(GRANT, 1, categories=[Category.LEGAL]),
        said(GRANT, 1, purposes=[Purpose.DISASTER]),
        said(GRANT, 1, to=[SCHOOL]),
    ):
        assert stands(beyond, elsewhere=taken_back).counts


@given(histories)
def test_elsewhere_changes_only_what_coverage_tells(history: list[Statement]) -> None:
    """A statement that coverage does not speak of stands the same, whatever was said elsewhere."""
    for statement in history:
        here = [each for each in history if each.recorded_by_agency == statement.recorded_by_agency]
        if Category.HEALTH not in statement.categories or not statement.concerns(DESK):
            heard = Heard(REFERRAL, Word(here), Word(history))
            alone = Heard(REFERRAL, Word(here), Word(here))
            assert standing_of(statement, heard, at(50)) == standing_of(statement, alone, at(50))
