"""The person's word as decisions take it: everything said, and the recorded facts that bear on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.consent.domain.facts import NO_FACTS, Facts
from services.consent.domain.statements import Statement


@dataclass(frozen=True, slots=True)
class Word:
    """What one person has said, by themself or through others, and the facts beside it."""

    statements: Sequence[Statement] = ()
    facts: Facts = NO_FACTS


SILENCE = Word()
"""Nothing said."""
