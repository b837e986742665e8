"""Who acts: the one vocabulary for the `actor` of events, messages and tokens."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import StringConstraints

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal


class ActorKind(StrEnum):
    """The kinds of actor an act can be traced to."""

    COORDINATOR = "coordinator"
    PERSON = "person"
    REPRESENTATIVE = "representative"
    SYSTEM = "system"
    TIMER = "timer"
    OPERATOR = "operator"
    AUDITOR = "auditor"


_WITHOUT_ID = frozenset({ActorKind.PERSON, ActorKind.REPRESENTATIVE, ActorKind.TIMER})
ACTOR_PATTERN = r"^(person|representative|timer|(coordinator|system|operator|auditor):[a-z0-9][a-z0-9.-]{0,63})$"
_ACTOR = re.compile(ACTOR_PATTERN)

ActorString = Annotated[str, StringConstraints(pattern=ACTOR_PATTERN)]
"""An actor in its string form, e.g. `coordinator:c-0001`, `system:referral` or `person`."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One actor: its kind and, where the kind has one, its id."""

    kind: ActorKind
    id: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the string form; refuses with `actor_mismatch` what is none."""
        if _ACTOR.fullmatch(text) is None:
            raise Refusal(RefusalCode.ACTOR_MISMATCH)
        kind, _, ident = text.partition(":")
        return cls(ActorKind(kind), ident or None)

    @classmethod
    def system(cls, name: str) -> Self:
        """The actor of a service or of an agency's own program."""
        return cls(ActorKind.SYSTEM, name)

    @classmethod
    def coordinator(cls, coordinator_id: str) -> Self:
        """The actor of a named coordinator."""
        return cls(ActorKind.COORDINATOR, coordinator_id)

    def __str__(self) -> str:
        return self.kind.value if self.kind in _WITHOUT_ID else f"{self.kind.value}:{self.id}"
