"""Evidence that `audit` keeps makes a grant count that its recipient alone has heard; nothing else of it does."""

import asyncio
from dataclasses import replace

import pytest

from tests.builders.agency_messages import IDS
from tests.builders.consent_bench import CLINIC, DESK, NPO, WARD, Bench, Sent
from tests.builders.evidence import Evidence, evidence_of
from tsunagu_contracts.codes import Category, CoverageState, StatementKind, StatementMethod
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.consent import StatementEvidenced, StatementRecorded

HEALTH = Category.HEALTH
COVERED, ALONE = (CoverageState.COVERED, "granted"), (CoverageState.TO_ASK, "spoken_to_recipient_only")


async def health(bench: Bench, sent: Sent) -> tuple[CoverageState, str]:
    """What consent last said of the health section."""
    bench.hear_again()
    return (await bench.coverage(sent))[HEALTH]


async def speak(bench: Bench, sent: Sent, evidence: Evidence) -> None:
    """Let the person tell the desk, which writes down that there is evidence."""
    said = evidence.manifest.data
    changes = {"statement_id": said.statement_id, "evidence": said.digest}
    await bench.say(sent, StatementKind.GRANT, HEALTH, by=DESK, how=StatementMethod.SPOKEN, **changes)


def of_desk(sent: Sent) -> Evidence:
    """Evidence of a statement that the desk is to record."""
    return evidence_of(DESK, IDS.new(), sent.id, (CLINIC, NPO))


async def kept(bench: Bench, evidence: Evidence) -> None:
    """Let `audit` say that evidence is kept."""
    await bench.handle((f"evidence:{evidence.id}", evidence.stored()))


async def test_evidence_counts_once_it_is_kept(bench: Bench) -> None:
    """What the recipient alone has heard opens with the evidence, from a number of its own on; heard again, nothing."""
    sent = await bench.refer()
    evidence = of_desk(sent)
    await speak(bench, sent, evidence)
    assert await health(bench, sent) == ALONE

    for _ in range(2):
        await kept(bench, evidence)

    assert await health(bench, sent) == COVERED
    assert bench.opened(await bench.ask(sent))
    bench.hear_again()
    [(_, recorded)] = await bench.heard(StatementRecorded)
    bench.hear_again()
    [(event, said)] = await bench.heard(StatementEvidenced)
    assert (said.number, said.evidence_id, said.statement_id) == (
        recorded.number + 1,
        evidence.id,
        recorded.statement_id,
    )
    assert (event.version, event.cause) == (said.number, f"evidence:{evidence.id}@1")


async def test_evidence_that_comes_before_its_statement_waits_for_it(bench: Bench) -> None:
    """Kept first and named afterwards, it counts with the statement, in the same transaction."""
    sent = await bench.refer()
    evidence = of_desk(sent)
    await kept(bench, evidence)
    bench.hear_again()
    assert not await bench.heard(StatementEvidenced)

    await speak(bench, sent, evidence)

    assert await health(bench, sent) == COVERED
    bench.hear_again()
    assert len(await bench.heard(StatementEvidenced)) == 1


async def test_statement_and_evidence_at_the_same_moment_find_each_other(bench: Bench) -> None:
    """Whichever commits second sees the first: no evidence is missed and none counts twice."""
    sent = [await bench.refer(reference=f"karte-{number}") for number in range(6)]
    pairs = [(each, of_desk(each)) for each in sent]

    async def both(each: Sent, evidence: Evidence) -> None:
        data = {"statement_id": evidence.manifest.data.statement_id, "evidence": evidence.sealed.digest}
        manifest = bench.statement(each, StatementKind.GRANT, HEALTH, by=DESK, how=StatementMethod.SPOKEN, **data)
        answer, _ = await asyncio.gather(bench.post_statement(manifest, by=DESK), kept(bench, evidence))
        assert answer.status_code == 201, answer.text

    await asyncio.gather(*(both(*pair) for pair in pairs))

    for each in sent:
        assert await health(bench, each) == COVERED
    bench.hear_again()
    said = [data.evidence_id for _, data in await bench.heard(StatementEvidenced)]
    assert sorted(said) == sorted(evidence.id for _, evidence in pairs)


async def test_evidence_of_something_else_supports_nothing(bench: Bench) -> None:
    """Another file, another agency's evidence of the same statement, evidence of no statement: none counts."""
    sent = await bench.refer()
    evidence = of_desk(sent)
    statement_id = evidence.manifest.data.statement_id
    await speak(bench, sent, evidence)

    await kept(bench, evidence_of(DESK, statement_id, sent.id, (CLINIC, NPO)))
    theirs = evidence_of(CLINIC, statement_id, sent.id, (WARD, NPO)).manifest
    copied = theirs.model_copy(update={"data": evidence.manifest.data})
    await kept(bench, replace(evidence, recorder=CLINIC, manifest=copied))
    await kept(bench, of_desk(sent))

    bench.hear_again()
    assert not await bench.heard(StatementEvidenced)
    assert await health(bench, sent) == ALONE


@pytest.mark.parametrize("forged", ["signature", "statement", "agency"])
async def test_what_the_recorder_has_not_signed_is_no_evidence(bench: Bench, forged: str) -> None:
    """An event that says more than the agency's own signed message is refused, and nothing is noted."""
    sent = await bench.refer()
    evidence = of_desk(sent)
    await speak(bench, sent, evidence)
    other = of_desk(sent)
    stored = {
        "signature": replace(evidence, recorder=replace(DESK, signing=NPO.signing)).stored(),
        "statement": evidence.stored().model_copy(update={"manifest": other.token}),
        "agency": evidence.stored().model_copy(
            update={"recorded_by": evidence.stored().recorded_by.model_copy(update={"agency_id": "nobody-here"})}
        ),
    }[forged]

    with pytest.raises(Refusal) as refused:
        await bench.handle((f"evidence:{evidence.id}", stored))

    assert refused.value.code in ("signature_invalid", "unknown_key", "invalid_content", "agency_unknown")
    assert await health(bench, sent) == ALONE


async def test_evidence_does_not_bring_back_what_was_withdrawn(bench: Bench) -> None:
    """A grant that was taken back stays so, whatever shows that it had been given."""
    sent = await bench.refer()
    evidence = of_desk(sent)
    await speak(bench, sent, evidence)
    await bench.say(sent, StatementKind.WITHDRAW, HEALTH)

    await kept(bench, evidence)

    assert await health(bench, sent) == (CoverageState.REFUSED, "withdrawn_by_person")
    assert (await bench.ask(sent)).json()["code"] == "not_covered"
    bench.hear_again()
    assert len(await bench.heard(StatementEvidenced)) == 1
