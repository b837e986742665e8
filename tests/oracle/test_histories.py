"""The invented histories: the same for a seed, and such that every rule of decision has its say often enough."""

from itertools import islice

import pytest

from tests.oracle import cedar
from tests.oracle.cedar import Rules, permits, policies_of
from tests.oracle.histories import History, histories

HISTORIES = 400
QUESTIONS = 20
LEAST_SHARE = 0.005


@pytest.fixture(scope="module")
def told() -> list[History]:
    """Some invented histories."""
    return list(islice(histories(seed=1, questions=QUESTIONS), HISTORIES))


@pytest.fixture(scope="module")
def answers(told: list[History]) -> list[bool]:
    """What Cedar answers by all the rules."""
    return answered(told)


def answered(told: list[History]) -> list[bool]:
    """What Cedar answers to each question on each history, by the rules as they now are."""
    return [
        answer
        for history in told
        for answer in permits(history.statements, history.facts, history.as_of, history.questions)
    ]


def changed(answers: list[bool], others: list[bool]) -> float:
    """The share of answers that differ."""
    return sum(one != other for one, other in zip(answers, others, strict=True)) / len(answers)


def test_the_same_seed() -> None:
    """The same seed invents the same histories, another one others."""
    first, again, other = ([*islice(histories(seed, questions=5), 20)] for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_both_answers(answers: list[bool]) -> None:
    """A good part of the questions is permitted, and a good part is not."""
    assert 0.2 < sum(answers) / len(answers) < 0.6


def test_silence_decides(told: list[History], answers: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rule 1, often enough, the answer would be another."""
    monkeypatch.setattr(
        cedar, "policies_of", lambda *history: f"{policies_of(*history)}\npermit (principal, action, resource);"
    )
    assert changed(answers, answered(told)) > LEAST_SHARE


@pytest.mark.parametrize(
    ("rule", "instead"),
    [
        pytest.param("counts", "false", id="2: a no"),
        pytest.param("is_void", "false", id="3: void"),
        pytest.param("is_heard_by_recipient_alone", "false", id="4: heard by the recipient alone"),
        pytest.param("is_supported", "false", id="4: supported"),
        pytest.param("has_begun", "true", id="5: begun"),
        pytest.param("has_ended", "false", id="5: ended"),
        pytest.param("condition_is_met", "true", id="6: condition"),
        pytest.param("person_refuses", "false", id="7: own refusal"),
        pytest.param("other_parent_refuses", "false", id="8: joint parents"),
        pytest.param("no_policy", "", id="9: a no that is the last"),
        pytest.param("ended_grant_policy", "", id="9: an ended grant that is the last"),
        pytest.param("named_refusal_policy", "", id="10: refusal by name"),
    ],
)
def test_rule_decides(
    rule: str, instead: str, told: list[History], answers: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the rule, often enough, the answer would be another."""
    monkeypatch.setattr(Rules, rule, lambda *_: instead)
    assert changed(answers, answered(told)) > LEAST_SHARE
