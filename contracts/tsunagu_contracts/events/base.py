"""The base of everything that an event can say."""

from typing import ClassVar

from tsunagu_contracts.types import Frozen


class EventData(Frozen):
    """The `data` of one type of event; a change that would break a reader is a new class with a new `TYPE`."""

    TYPE: ClassVar[str]
