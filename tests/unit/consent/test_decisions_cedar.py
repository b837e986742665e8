"""The decision against the oracle: Cedar policies that were written from the rules alone, by another hand."""

from itertools import islice

from services.consent.domain.decisions import decide
from services.consent.domain.requests import Request
from tests.oracle import cedar
from tests.oracle.histories import histories

SEED = 20_261_127
HISTORIES = 5_000
QUESTIONS = 20


def test_the_decision_agrees_with_cedar() -> None:
    """On a hundred thousand generated cases both permit and deny the same."""
    differing = []
    for history in islice(histories(SEED, QUESTIONS), HISTORIES):
        allowed = cedar.permits(history.statements, history.facts, history.as_of, history.questions)
        for question, permitted in zip(history.questions, allowed, strict=True):
            request = Request(question.category, question.recipient, question.purpose, question.at)
            decision = decide(history.statements, request, history.as_of, history.facts)
            if decision.permit != permitted:
                differing.append((history, question, decision))

    assert not differing, differing[0]
