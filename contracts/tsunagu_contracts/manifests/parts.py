"""What the data of several manifests is made of."""

from collections.abc import Hashable
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from pydantic import AfterValidator, ConfigDict, Field

from tsunagu_contracts.codes import Category, Language, Purpose
from tsunagu_contracts.types import AgencyId, Digest, Frozen, Id

_T = TypeVar("_T", bound=Hashable)


def distinct(values: tuple[_T, ...]) -> tuple[_T, ...]:
    """Return the values; raises ValueError where one of them repeats."""
    if len(set(values)) != len(values):
        raise ValueError("values repeat")
    return values


class _Period(Protocol):
    @property
    def valid_from(self) -> datetime: ...
    @property
    def valid_until(self) -> datetime | None: ...


_P = TypeVar("_P", bound=_Period)


def in_order(period: _P) -> _P:
    """Return the period; raises ValueError where it ends before it begins."""
    if period.valid_until is not None and period.valid_until <= period.valid_from:
        raise ValueError("ends before it begins")
    return period


Categories = Annotated[tuple[Category, ...], Field(min_length=1), AfterValidator(distinct)]
Purposes = Annotated[tuple[Purpose, ...], Field(min_length=1), AfterValidator(distinct)]
Recipients = Annotated[tuple[AgencyId, ...], Field(min_length=1, max_length=500), AfterValidator(distinct)]


class Exact(Frozen):
    """A part in which no unknown member is passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Notice(Frozen):
    """The notice that the person was shown before speaking: its version, language and SHA-256; one of `notices`."""

    version: Id
    language: Language
    hash: Digest
