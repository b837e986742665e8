"""Invented histories of one person, with facts and questions, in which every rule of decision has its say often.

There are few agencies, speakers, categories and hours, so that statements keep meeting each other and moments keep
falling together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from random import Random
from typing import NamedTuple, TypeVar

from services.consent.domain.facts import Disaster, Facts, Support
from services.consent.domain.statements import Representation, Statement
from tests.oracle.cedar import Question
from tsunagu_contracts.codes import (
    Area,
    Category,
    OverrideGround,
    Purpose,
    RepresentationGround,
    StatementKind,
    StatementMethod,
)


class Trait(Enum):
    """What sets a statement apart from the plainest."""

    NARROW = auto()
    NAMES = auto()
    SPOKEN = auto()
    NOT_YET_BEGUN = auto()
    ENDING = auto()
    CONDITION = auto()
    OVERRIDE = auto()
    BACKDATED = auto()
    POSTDATED = auto()


AGENCIES = ("ward_office", "clinic", "npo")
CATEGORIES = (Category.IDENTITY, Category.CONTACT, Category.HEALTH, Category.HOUSING)
ASKED_CATEGORIES = (*CATEGORIES, Category.HEALTH, Category.HOUSING)
OTHER_METHODS = (StatementMethod.WRITTEN, StatementMethod.ONLINE)
PURPOSES = (Purpose.SERVICE, Purpose.COORDINATION)
AREAS = (Area.FUJIMI, Area.SHIBA)

MOTHER = Representation("mother", RepresentationGround.PARENT)
FATHER = Representation("father", RepresentationGround.PARENT)
FATHER_AS_PROXY = Representation("father", RepresentationGround.PROXY)
GUARDIAN = Representation("guardian", RepresentationGround.MINOR_GUARDIAN)
CASTS = (
    (None,),
    (None, GUARDIAN),
    (MOTHER, FATHER),
    (None, MOTHER, FATHER),
    (None, MOTHER, FATHER, FATHER_AS_PROXY, GUARDIAN),
)

# In which share of the histories a trait occurs, and then in which share of its statements. A history in which
# all of them occur is mostly a no, and for many reasons at once; then no rule changes the answer.
SHARES = {
    Trait.NARROW: (0.3, 0.8),
    Trait.NAMES: (0.5, 0.5),
    Trait.SPOKEN: (0.5, 0.8),
    Trait.NOT_YET_BEGUN: (0.25, 0.4),
    Trait.ENDING: (0.4, 0.5),
    Trait.CONDITION: (0.25, 0.4),
    Trait.OVERRIDE: (0.6, 0.6),
    Trait.BACKDATED: (0.3, 0.4),
    Trait.POSTDATED: (0.3, 0.4),
}

MIDNIGHT = datetime(2026, 4, 1, tzinfo=UTC)
HOURS = 16
MOST_NUMBERS = 9


class Line(NamedTuple):
    """A statement of a scene: of which kind, by whom, with which traits."""

    kind: StatementKind
    speaker: Representation | None
    traits: frozenset[Trait] = frozenset()


def _line(kind: StatementKind, speaker: Representation | None, *traits: Trait) -> Line:
    return Line(kind, speaker, frozenset(traits))


# What chance alone hardly ever brings together.
SCENES = (
    # What lifted a refusal by name is void by a later no.
    (
        _line(StatementKind.REFUSE, None, Trait.NAMES),
        _line(StatementKind.GRANT, None, Trait.NAMES),
        _line(StatementKind.WITHDRAW, None),
        _line(StatementKind.GRANT, None),
    ),
    # What lifted a refusal by name ends.
    (
        _line(StatementKind.REFUSE, None, Trait.NAMES),
        _line(StatementKind.GRANT, None, Trait.NAMES, Trait.ENDING),
        _line(StatementKind.GRANT, None),
    ),
    # What lifted a refusal by name overruled the person, who then said no once more.
    (
        _line(StatementKind.REFUSE, None, Trait.NAMES),
        _line(StatementKind.GRANT, GUARDIAN, Trait.NAMES, Trait.OVERRIDE, Trait.POSTDATED),
        _line(StatementKind.WITHDRAW, None),
        _line(StatementKind.GRANT, GUARDIAN, Trait.OVERRIDE, Trait.POSTDATED),
    ),
    # The person's own last word is a grant that has ended.
    (
        _line(StatementKind.REFUSE, None),
        _line(StatementKind.GRANT, None, Trait.ENDING),
        _line(StatementKind.GRANT, GUARDIAN),
    ),
    # The other parent's last word is a grant that has ended, or that the person's own refusal holds up.
    (
        _line(StatementKind.REFUSE, FATHER),
        _line(StatementKind.GRANT, FATHER, Trait.ENDING),
        _line(StatementKind.GRANT, MOTHER),
    ),
    (
        _line(StatementKind.REFUSE, FATHER),
        _line(StatementKind.WITHDRAW, None),
        _line(StatementKind.GRANT, FATHER),
        _line(StatementKind.GRANT, MOTHER, Trait.OVERRIDE),
    ),
    # A confirmation that lists little of what its grant does.
    (
        _line(StatementKind.GRANT, None, Trait.SPOKEN),
        _line(StatementKind.CONFIRM, None, Trait.NARROW, Trait.NAMES),
    ),
    (
        _line(StatementKind.GRANT, GUARDIAN, Trait.SPOKEN),
        _line(StatementKind.CONFIRM, GUARDIAN, Trait.NARROW, Trait.NAMES),
    ),
    # A confirmation by somebody else than who granted.
    (
        _line(StatementKind.GRANT, None, Trait.SPOKEN),
        _line(StatementKind.CONFIRM, GUARDIAN),
    ),
    (
        _line(StatementKind.GRANT, GUARDIAN, Trait.SPOKEN),
        _line(StatementKind.CONFIRM, MOTHER),
    ),
    # A no after a grant that is stated later still.
    (
        _line(StatementKind.GRANT, None, Trait.POSTDATED),
        _line(StatementKind.REFUSE, None),
    ),
    # A grant that waits for a disaster.
    (_line(StatementKind.GRANT, None, Trait.CONDITION),),
)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class History:
    """What was recorded of one person, and what is asked about it as of a number."""

    statements: tuple[Statement, ...]
    facts: Facts
    as_of: int
    questions: tuple[Question, ...]


def histories(seed: int, questions: int) -> Iterator[History]:
    """Histories without end, the same ones for the same seed, each with this many questions."""
    random = Random(seed)
    while True:
        yield Telling(random).history(questions)


class Telling:
    """One history in the making."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._traits = {trait for trait, (share, _) in SHARES.items() if random.random() < share}
        self._speakers = random.choice(CASTS)
        self._recorders = random.sample(AGENCIES, random.randint(1, 2))
        self._kinds = {
            StatementKind.GRANT: 10,
            StatementKind.REFUSE: random.choice([0, 4, 8]),
            StatementKind.WITHDRAW: random.choice([0, 2, 4]),
            StatementKind.CONFIRM: 8 if Trait.SPOKEN in self._traits else 1,
        }
        self._statements: list[Statement] = []
        self._supports: list[Support] = []
        self._hour = 0

    def history(self, questions: int) -> History:
        """Tell a history to its end, and ask this many questions about it."""
        script = self._script()
        for number, line in enumerate(script, 1):
            if line is not None:
                self._tell(number, line)
            elif self._statements and self._happens(0.4 if Trait.SPOKEN in self._traits else 0.05):
                self._supports.append(self._support(number))
            else:
                self._tell(number, self._line())
        self._random.shuffle(self._statements)
        disasters = frozenset(self._disaster() for _ in range(self._random.randint(0, 3)))
        last = len(script)
        return History(
            statements=tuple(self._statements),
            facts=Facts(frozenset(self._supports), disasters),
            as_of=self._random.randint(0, last) if self._happens(0.2) else last,
            questions=tuple(self._question() for _ in range(questions)),
        )

    def _script(self) -> list[Line | None]:
        """One line for each number; None where chance is to tell. A scene has little around it that could hide it."""
        if self._happens(0.7):
            return [None] * self._random.randint(0, MOST_NUMBERS)
        before, after = self._random.choice([0, 0, 1, 2]), self._random.choice([0, 0, 1])
        return [*[None] * before, *self._random.choice(SCENES), *[None] * after]

    def _line(self) -> Line:
        traits = frozenset(trait for trait in Trait if trait in self._traits and self._happens(SHARES[trait][1]))
        return Line(self._weighed(self._kinds), self._random.choice(self._speakers), traits)

    def _tell(self, number: int, line: Line) -> None:
        self._hour += self._random.randint(0, 2)
        confirms = self._confirmed(line.kind)
        valid_from = self._moment(0, HOURS) if Trait.NOT_YET_BEGUN in line.traits else MIDNIGHT
        lasts = timedelta(hours=self._random.randint(1, 10))
        self._statements.append(
            Statement(
                statement_id=f"statement {number}",
                number=number,
                kind=line.kind,
                categories=self._some(CATEGORIES) if Trait.NARROW in line.traits else frozenset(CATEGORIES),
                recipients=self._some(AGENCIES) if Trait.NAMES in line.traits else None,
                purposes=self._some(PURPOSES) if Trait.NARROW in line.traits else frozenset(PURPOSES),
                how=StatementMethod.SPOKEN if Trait.SPOKEN in line.traits else self._random.choice(OTHER_METHODS),
                valid_from=valid_from,
                valid_until=valid_from + lasts if Trait.ENDING in line.traits else None,
                stated_at=self._stated_at(line.traits),
                recorded_at=MIDNIGHT + timedelta(hours=self._hour),
                recorded_by_agency=self._random.choice(self._recorders),
                representation=self._representation(line, confirms),
                disaster_in=self._random.choice(AREAS) if Trait.CONDITION in line.traits else None,
                confirms=confirms,
            )
        )

    def _stated_at(self, traits: frozenset[Trait]) -> datetime:
        """When it is recorded, or up to some hours before or, by another clock, after."""
        earliest = self._hour - 6 if Trait.BACKDATED in traits else self._hour
        latest = self._hour + 6 if Trait.POSTDATED in traits else self._hour
        return self._moment(earliest, latest)

    def _representation(self, line: Line, confirms: str | None) -> Representation | None:
        """Who says it: of a confirmation, half the time, the one who said what it confirms."""
        confirmed = [each.representation for each in self._statements if each.statement_id == confirms]
        if confirmed and self._happens(0.5):
            return confirmed[0]
        if line.speaker is None or Trait.OVERRIDE not in line.traits:
            return line.speaker
        return replace(line.speaker, overrides=self._random.choice(list(OverrideGround)))

    def _confirmed(self, kind: StatementKind) -> str | None:
        """What a confirmation confirms, grant or not, known or not; hardly ever does anything else name a grant."""
        if kind is not StatementKind.CONFIRM and not self._happens(0.03):
            return None
        grants = [each for each in self._statements if each.kind is StatementKind.GRANT]
        if grants and self._happens(0.85):
            return self._random.choice(grants).statement_id
        return f"statement {self._random.randint(1, MOST_NUMBERS)}"

    def _support(self, number: int) -> Support:
        supported = self._random.choice(self._statements).statement_id
        return Support(supported, number, None if self._happens(0.25) else self._random.choice(AGENCIES))

    def _disaster(self) -> Disaster:
        declared_at = self._moment(0, HOURS)
        lifted_at = declared_at + timedelta(hours=self._random.randint(1, 8)) if self._happens(0.7) else None
        return Disaster(self._random.choice(AREAS), declared_at, lifted_at)

    def _question(self) -> Question:
        return Question(
            category=self._random.choice(ASKED_CATEGORIES),
            recipient=self._random.choice((*AGENCIES, *self._recorders)),
            purpose=self._random.choice(PURPOSES),
            at=self._moment(0, HOURS),
        )

    def _moment(self, earliest: int, latest: int) -> datetime:
        """An hour between these, hardly ever a blink beyond it."""
        blink = timedelta(microseconds=self._random.choice([-1, 1]) if self._happens(0.1) else 0)
        return MIDNIGHT + timedelta(hours=self._random.randint(earliest, latest)) + blink

    def _happens(self, share: float) -> bool:
        return self._random.random() < share

    def _some(self, items: Sequence[Item]) -> frozenset[Item]:
        """At least one of them, mostly more."""
        return frozenset(self._random.choices(items, k=len(items)))

    def _weighed(self, weights: dict[Item, int]) -> Item:
        return self._random.choices(list(weights), list(weights.values()))[0]
