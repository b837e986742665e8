from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from cedarpy import Schema, validate_policies

from services.consent.domain.facts import NO_FACTS, Disaster, Facts, Support
from services.consent.domain.statements import Representation, Statement
from tests.oracle import cedar
from tests.oracle.cedar import SCHEMA, CedarError, Question, permits, policies_of
from tests.oracle.histories import histories
from tsunagu_contracts.codes import (
    Area,
    Category,
    OverrideGround,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)

MOTHER = Representation("mother", RepresentationGround.PARENT)
FATHER = Representation("father", RepresentationGround.PARENT)
GUARDIAN = Representation("guardian", RepresentationGround.ADULT_GUARDIAN)
BY_COURT = OverrideGround.COURT_DECISION
BLINK = timedelta(microseconds=1)
EVERYTHING = 1000


def hour(number: int) -> datetime:
    """A moment of these tests; a statement of this number is stated and recorded then, unless it says otherwise."""
    return datetime(2026, 4, 1, tzinfo=UTC) + timedelta(hours=number)


QUESTION = Question(Category.HEALTH, "clinic", Purpose.SERVICE, hour(100))


def statement(kind: StatementKind, number: int) -> Statement:
    """A written statement of the person's to every agency, which speaks of the question and never ends."""
    return Statement(
        statement_id=f"statement {number}",
        number=number,
        kind=kind,
        categories=frozenset({Category.IDENTITY, Category.HEALTH}),
        recipients=None,
        purposes=frozenset({Purpose.SERVICE}),
        how=StatementMethod.WRITTEN,
        valid_from=hour(0),
        valid_until=None,
        stated_at=hour(number),
        recorded_at=hour(number),
        recorded_by_agency="ward_office",
    )


def grant(number: int, representation: Representation | None = None) -> Statement:
    """A grant, of a representative if one is named."""
    return replace(statement(StatementKind.GRANT, number), representation=representation)


def refusal(number: int, representation: Representation | None = None) -> Statement:
    """A refusal, of a representative if one is named."""
    return replace(statement(StatementKind.REFUSE, number), representation=representation)


def withdrawal(number: int) -> Statement:
    """A withdrawal."""
    return statement(StatementKind.WITHDRAW, number)


def confirmation(number: int, confirmed: Statement, representation: Representation | None = None) -> Statement:
    """A confirmation of another statement, which itself lists nothing that is asked."""
    return replace(
        statement(StatementKind.CONFIRM, number),
        confirms=confirmed.statement_id,
        categories=frozenset({Category.LEGAL}),
        purposes=frozenset({Purpose.DISASTER}),
        recipients=frozenset({"npo"}),
        representation=representation,
    )


def named(statement: Statement) -> Statement:
    """The statement, but to the recipient and another agency by name."""
    return replace(statement, recipients=frozenset({"clinic", "npo"}))


def heard_by_recipient(statement: Statement) -> Statement:
    """The statement, but spoken, and recorded by the recipient itself."""
    return replace(statement, how=StatementMethod.SPOKEN, recorded_by_agency="clinic")


def overruling(representation: Representation) -> Representation:
    """The representative, with a ground on which to overrule."""
    return replace(representation, overrides=BY_COURT)


def permitted(
    *statements: Statement, facts: Facts = NO_FACTS, as_of: int = EVERYTHING, question: Question = QUESTION
) -> bool:
    """What Cedar answers to one question."""
    return permits(statements, facts, as_of, [question])[0]


def supported(*supports: Support) -> Facts:
    """These supports, and nothing else."""
    return Facts(supports=frozenset(supports))


def disasters(*all_of_them: Disaster) -> Facts:
    """These disasters, and nothing else."""
    return Facts(disasters=frozenset(all_of_them))


class TestWhatIsSpokenOf:
    """Which statements count at all."""

    def test_a_grant_permits(self) -> None:
        """A grant that speaks of the request permits it."""
        assert permitted(grant(1))

    @pytest.mark.parametrize(
        "elsewhere",
        [
            QUESTION._replace(category=Category.FINANCE),
            QUESTION._replace(purpose=Purpose.ASSESSMENT),
            QUESTION._replace(recipient="school"),
        ],
    )
    def test_another_request(self, elsewhere: Question) -> None:
        """A grant permits no other category, purpose or recipient, and a no forbids none."""
        assert not permitted(named(grant(1)), question=elsewhere)
        everything = replace(grant(1), categories=frozenset(Category), purposes=frozenset(Purpose))
        assert permitted(everything, named(refusal(2)), question=elsewhere)

    def test_an_empty_statement(self) -> None:
        """A statement of no category, purpose or recipient speaks of nothing."""
        assert not permitted(replace(grant(1), categories=frozenset()))
        assert not permitted(replace(grant(1), purposes=frozenset()))
        assert not permitted(replace(grant(1), recipients=frozenset()))

    def test_only_up_to_the_number(self) -> None:
        """What has a higher number than asked for does not count."""
        assert permitted(grant(1), refusal(2), as_of=1)
        assert not permitted(grant(1), refusal(2), as_of=2)
        assert not permitted(grant(1), as_of=0)

    def test_order_of_the_input(self) -> None:
        """Numbers order the statements; the order in which they are passed means nothing."""
        assert permitted(grant(2), refusal(1))
        assert not permitted(refusal(2), grant(1))

    def test_many_questions_at_once(self) -> None:
        """Each question gets its own answer, in the order asked."""
        other = QUESTION._replace(category=Category.FINANCE)
        assert permits([grant(1)], NO_FACTS, 1, [QUESTION, other, QUESTION]) == [True, False, True]
        assert permits([grant(1)], NO_FACTS, 1, []) == []


class TestRule1:
    """Silence is no."""

    def test_nothing_said(self) -> None:
        """Nothing said is a no."""
        assert not permitted()

    def test_only_a_confirmation(self) -> None:
        """A confirmation alone permits nothing."""
        alone = replace(statement(StatementKind.CONFIRM, 1), confirms="statement 1")
        assert not permitted(alone)


class TestRule2:
    """A no counts from its recording whatever else it says."""

    @pytest.mark.parametrize("kind", [StatementKind.REFUSE, StatementKind.WITHDRAW])
    def test_both_kinds(self, kind: StatementKind) -> None:
        """A refusal and a withdrawal are both a no."""
        assert not permitted(grant(1), statement(kind, 2))

    def test_period(self) -> None:
        """A no counts before its period begins and after it has ended."""
        assert not permitted(grant(1), replace(refusal(2), valid_from=hour(200)))
        assert not permitted(grant(1), replace(refusal(2), valid_until=hour(3)))

    def test_condition(self) -> None:
        """A no waits for no disaster."""
        assert not permitted(grant(1), replace(refusal(2), disaster_in=Area.SHIBA))

    def test_heard_by_the_recipient(self) -> None:
        """A no that the recipient alone has heard is a no."""
        assert not permitted(grant(1), heard_by_recipient(refusal(2)))


class TestRule3:
    """A grant stated no later than a no was recorded is void."""

    def test_boundary(self) -> None:
        """A grant stated at the very moment of the recording is void; one stated a blink later is not."""
        assert not permitted(refusal(1), replace(grant(2), stated_at=hour(1)))
        assert permitted(refusal(1), replace(grant(2), stated_at=hour(1) + BLINK))

    def test_recording_counts(self) -> None:
        """It is the recording of the no that counts, not when it was stated."""
        assert permitted(replace(refusal(1), stated_at=hour(50)), grant(2))
        assert not permitted(replace(refusal(1), stated_at=hour(0)), replace(grant(2), stated_at=hour(1)))

    def test_whoever_said_no(self) -> None:
        """A no of anybody voids a grant of anybody."""
        assert not permitted(refusal(1, GUARDIAN), replace(grant(2), stated_at=hour(1)))

    def test_whatever_the_numbers(self) -> None:
        """A later no voids too: the grant that had lifted a refusal by name lifts it no longer."""
        lifting = named(grant(2))
        assert permitted(named(refusal(1)), lifting, grant(4))
        assert not permitted(named(refusal(1)), lifting, withdrawal(3), grant(4))
        stated_later = replace(lifting, stated_at=hour(3) + BLINK)
        assert permitted(named(refusal(1)), stated_later, withdrawal(3), grant(4))

    def test_another_no(self) -> None:
        """A no that does not speak of the request voids nothing."""
        of_finance = replace(refusal(1), categories=frozenset({Category.FINANCE}))
        assert permitted(of_finance, replace(grant(2), stated_at=hour(1)))


class TestRule4:
    """A spoken grant that the recipient alone has heard covers only identity and contact."""

    heard = heard_by_recipient(grant(1))

    def test_unsupported(self) -> None:
        """It does not cover health."""
        assert not permitted(self.heard)

    @pytest.mark.parametrize("category", [Category.IDENTITY, Category.CONTACT])
    def test_identity_and_contact(self, category: Category) -> None:
        """It covers identity and contact."""
        everything = replace(self.heard, categories=frozenset(Category))
        assert permitted(everything, question=QUESTION._replace(category=category))

    def test_for_another_recipient(self) -> None:
        """It covers everything for an agency other than the one that recorded it."""
        assert permitted(self.heard, question=QUESTION._replace(recipient="npo"))

    @pytest.mark.parametrize("how", [StatementMethod.WRITTEN, StatementMethod.ONLINE])
    def test_not_spoken(self, how: StatementMethod) -> None:
        """A grant that was not spoken covers everything, whoever recorded it."""
        assert permitted(replace(self.heard, how=how))

    def test_as_if_not_said(self) -> None:
        """It is as if not said: even when it has ended, an earlier grant goes on permitting."""
        assert permitted(grant(0), replace(self.heard, valid_until=hour(2)))

    def test_evidence(self) -> None:
        """Evidence supports it from its number on."""
        evidence = supported(Support("statement 1", 5))
        assert permitted(self.heard, facts=evidence, as_of=5)
        assert not permitted(self.heard, facts=evidence, as_of=4)

    def test_countersigned(self) -> None:
        """Another agency's signature supports it from its number on; the recipient's own does not."""
        by_other = supported(Support("statement 1", 5, "npo"))
        assert permitted(self.heard, facts=by_other, as_of=5)
        assert not permitted(self.heard, facts=by_other, as_of=4)
        assert not permitted(self.heard, facts=supported(Support("statement 1", 5, "clinic")))

    def test_support_of_another_grant(self) -> None:
        """What supports another grant does not support this one."""
        assert not permitted(self.heard, facts=supported(Support("statement 2", 5)))
        assert not permitted(self.heard, confirmation(3, grant(2)))

    def test_confirmed(self) -> None:
        """The person's confirmation supports it from its number on, whatever it lists itself."""
        assert permitted(self.heard, confirmation(5, self.heard), as_of=5)
        assert not permitted(self.heard, confirmation(5, self.heard), as_of=4)

    def test_confirmation_heard_by_the_recipient(self) -> None:
        """A confirmation that the recipient alone has heard supports nothing."""
        assert not permitted(self.heard, heard_by_recipient(confirmation(2, self.heard)))
        heard_by_other = replace(heard_by_recipient(confirmation(2, self.heard)), recorded_by_agency="npo")
        assert permitted(self.heard, heard_by_other)

    def test_confirmed_by_whom(self) -> None:
        """A representative confirms their own grant only; the person confirms everybody's."""
        of_guardian = heard_by_recipient(grant(1, GUARDIAN))
        assert permitted(of_guardian, confirmation(2, of_guardian, GUARDIAN))
        assert permitted(of_guardian, confirmation(2, of_guardian))
        assert not permitted(of_guardian, confirmation(2, of_guardian, MOTHER))
        assert not permitted(self.heard, confirmation(2, self.heard, GUARDIAN))

    def test_same_representative_on_another_ground(self) -> None:
        """The same representative is the one of the same id, on whatever ground."""
        of_mother = heard_by_recipient(grant(1, MOTHER))
        as_proxy = replace(MOTHER, ground=RepresentationGround.PROXY)
        assert permitted(of_mother, confirmation(2, of_mother, as_proxy))

    @pytest.mark.parametrize("kind", [StatementKind.GRANT, StatementKind.REFUSE, StatementKind.WITHDRAW])
    def test_only_confirmations_confirm(self, kind: StatementKind) -> None:
        """A statement of another kind confirms nothing, though it names the grant."""
        assert not permitted(self.heard, replace(confirmation(2, self.heard), kind=kind))


class TestRule5:
    """The period of a grant."""

    def test_begins(self) -> None:
        """A grant permits from the first moment of its period."""
        assert permitted(replace(grant(1), valid_from=QUESTION.at))
        assert not permitted(replace(grant(1), valid_from=QUESTION.at + BLINK))

    def test_ends(self) -> None:
        """A grant no longer permits at the moment at which its period ends."""
        assert permitted(replace(grant(1), valid_until=QUESTION.at + BLINK))
        assert not permitted(replace(grant(1), valid_until=QUESTION.at))

    def test_not_begun_is_not_said(self) -> None:
        """A grant whose period has not begun leaves an earlier one in place, even if it has ended as well."""
        inside_out = replace(grant(2), valid_from=hour(200), valid_until=hour(50))
        assert permitted(grant(1), inside_out)


class TestRule6:
    """A grant that waits for a disaster."""

    waiting = replace(grant(1), disaster_in=Area.SHIBA)

    def test_boundaries(self) -> None:
        """It counts from the declaration until before the lifting."""
        at = QUESTION.at
        assert permitted(self.waiting, facts=disasters(Disaster(Area.SHIBA, at)))
        assert not permitted(self.waiting, facts=disasters(Disaster(Area.SHIBA, at + BLINK)))
        assert permitted(self.waiting, facts=disasters(Disaster(Area.SHIBA, hour(0), at + BLINK)))
        assert not permitted(self.waiting, facts=disasters(Disaster(Area.SHIBA, hour(0), at)))

    def test_that_very_area(self) -> None:
        """A disaster in another area does not count, and neither does none at all."""
        assert not permitted(self.waiting)
        assert not permitted(self.waiting, facts=disasters(Disaster(Area.AZABU, hour(0))))

    def test_any_of_several(self) -> None:
        """One disaster that is on is enough."""
        lifted, on = Disaster(Area.SHIBA, hour(0), hour(1)), Disaster(Area.SHIBA, hour(2))
        assert permitted(self.waiting, facts=disasters(lifted, on))

    def test_as_if_not_said(self) -> None:
        """Unmet, it is as if not said: even when it has ended, an earlier grant goes on permitting."""
        assert permitted(grant(1), replace(grant(2), disaster_in=Area.SHIBA, valid_until=hour(3)))


class TestRule7:
    """The person's own refusal."""

    def test_no_grant_of_a_representative(self) -> None:
        """After the person's own no, no grant of a representative stands."""
        assert not permitted(refusal(1), grant(2, GUARDIAN))

    def test_until_their_own_grant(self) -> None:
        """Once the person's own last word is a grant, grants of representatives stand again, earlier ones too."""
        ended = replace(grant(2), valid_until=hour(3))
        assert permitted(refusal(1), ended, grant(4, GUARDIAN))
        lifting = named(grant(2, GUARDIAN))
        assert permitted(named(refusal(1)), lifting, grant(3))

    def test_their_own_grant_unsaid(self) -> None:
        """A grant of their own that is not said does not end the person's own no."""
        not_begun = replace(grant(2), valid_from=hour(200))
        assert not permitted(refusal(1), not_begun, grant(3, GUARDIAN))

    def test_override(self) -> None:
        """A grant on a ground of override, recorded after the no, stands."""
        assert permitted(refusal(1), grant(2, overruling(GUARDIAN)))

    def test_override_before(self) -> None:
        """A grant on a ground of override recorded before the no does not stand: it lifts no refusal by name."""
        early = replace(named(grant(2, overruling(GUARDIAN))), stated_at=hour(50))
        after = replace(grant(4, overruling(GUARDIAN)), stated_at=hour(50))
        assert not permitted(named(refusal(1)), early, withdrawal(3), after)
        assert permitted(named(refusal(1)), early, after)

    def test_no_of_a_representative(self) -> None:
        """The no of a representative is not the person's own."""
        assert permitted(refusal(1, MOTHER), grant(2, GUARDIAN))

    def test_own_grants(self) -> None:
        """The person's own later grant stands."""
        assert permitted(refusal(1), grant(2))


class TestRule8:
    """Joint parents."""

    def test_other_parent(self) -> None:
        """A parent's grant does not stand while the other parent's last word is a no."""
        assert not permitted(refusal(1, FATHER), grant(2, MOTHER))

    def test_no_override(self) -> None:
        """No ground of override helps against the other parent."""
        assert not permitted(refusal(1, FATHER), grant(2, overruling(MOTHER)))

    def test_same_parent(self) -> None:
        """A parent may lift their own no."""
        assert permitted(refusal(1, MOTHER), grant(2, MOTHER))

    def test_other_parent_has_granted(self) -> None:
        """Once the other parent's last word is a grant, the parent's grant stands."""
        ended = replace(grant(2, FATHER), valid_until=hour(3))
        assert permitted(refusal(1, FATHER), ended, grant(4, MOTHER))
        assert not permitted(refusal(1, FATHER), replace(ended, valid_from=hour(200)), grant(4, MOTHER))

    def test_word_that_does_not_stand(self) -> None:
        """The other parent's grant is their word though the person's own refusal keeps it from standing."""
        assert permitted(refusal(1, FATHER), withdrawal(2), grant(3, FATHER), grant(4, overruling(MOTHER)))

    def test_only_parents(self) -> None:
        """Only a parent's no holds up a parent's grant, and no one else's grant is held up by it."""
        assert permitted(refusal(1, GUARDIAN), grant(2, MOTHER))
        assert permitted(refusal(1, FATHER), grant(2, GUARDIAN))
        assert permitted(refusal(1, FATHER), grant(2))

    def test_words_on_another_ground(self) -> None:
        """What a parent says on another ground is no word of a parent."""
        as_proxy = replace(FATHER, ground=RepresentationGround.PROXY)
        assert permitted(refusal(1, as_proxy), grant(2, MOTHER))
        ended = replace(grant(2, as_proxy), valid_until=hour(3))
        assert not permitted(refusal(1, FATHER), ended, grant(4, MOTHER))


class TestRule9:
    """The last one decides."""

    def test_last_is_a_no(self) -> None:
        """A no with the highest number is a no, even against a grant stated after it."""
        assert not permitted(replace(grant(1), stated_at=hour(50)), refusal(2))

    def test_last_is_a_grant(self) -> None:
        """A grant with the highest number permits."""
        assert permitted(refusal(1), withdrawal(2), grant(3))

    def test_last_has_ended(self) -> None:
        """A grant that has ended brings no earlier one back to life."""
        assert not permitted(grant(1), replace(grant(2), valid_until=hour(3)))

    def test_ended_before_the_last(self) -> None:
        """A grant that has ended takes nothing from a later one."""
        assert permitted(replace(grant(1), valid_until=hour(2)), grant(3))

    def test_last_does_not_stand(self) -> None:
        """A grant that does not stand has no place in the order."""
        assert permitted(refusal(1, FATHER), grant(2), replace(grant(3, MOTHER), valid_until=hour(4)))


class TestRule10:
    """A refusal by name."""

    def test_grant_to_everyone(self) -> None:
        """A grant to every agency does not lift a refusal of this one by name."""
        assert not permitted(named(refusal(1)), grant(2))

    def test_grant_by_name(self) -> None:
        """A later grant by name does, also when one to every agency follows it."""
        assert permitted(named(refusal(1)), named(grant(2)))
        assert permitted(named(refusal(1)), named(grant(2)), grant(3))

    def test_ended_grant_by_name(self) -> None:
        """A grant by name lifts it only until it ends."""
        ending = replace(named(grant(2)), valid_until=QUESTION.at)
        assert not permitted(named(refusal(1)), ending, grant(3))
        before = QUESTION._replace(at=QUESTION.at - BLINK)
        assert permitted(named(refusal(1)), ending, grant(3), question=before)

    def test_the_last_refusal(self) -> None:
        """The last refusal by name is the one to be lifted; that lifts every earlier one."""
        assert not permitted(named(refusal(1)), named(grant(2)), named(refusal(3)), grant(4))
        assert permitted(named(refusal(1)), named(refusal(2)), named(grant(3)), grant(4))

    def test_withdrawal_by_name(self) -> None:
        """A withdrawal by name needs no grant by name."""
        assert permitted(named(withdrawal(1)), grant(2))

    def test_refusal_of_another(self) -> None:
        """A refusal of another agency by name does not concern this one."""
        assert permitted(replace(refusal(1), recipients=frozenset({"npo"})), grant(2))

    def test_grant_that_names_another(self) -> None:
        """A grant by name to another agency lifts nothing for this one."""
        to_other = replace(grant(2), recipients=frozenset({"npo"}))
        assert not permitted(named(refusal(1)), to_other, grant(3))

    def test_grant_that_does_not_stand(self) -> None:
        """A grant by name that does not stand lifts nothing."""
        assert not permitted(named(refusal(1, FATHER)), named(grant(2, MOTHER)), grant(3))


class TestPolicies:
    """The policies as such."""

    def test_schema(self) -> None:
        """Cedar finds the policies of invented histories right by the types of what it knows of a request."""
        schema = Schema.from_str(SCHEMA)
        for history in islice(histories(seed=1, questions=0), 300):
            policies = policies_of(history.statements, history.facts, history.as_of)
            assert validate_policies(policies, schema).errors == []

    def test_policy_that_cannot_be_evaluated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A policy that Cedar cannot evaluate is an error, not an answer."""
        monkeypatch.setattr(cedar.Rules, "has_begun", lambda *_: "context.moment > 0")
        with pytest.raises(CedarError, match="moment"):
            permitted(grant(1))
