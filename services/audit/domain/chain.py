"""Whether events follow one another: each names its version and the digest of the event before."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple


class FindingKind(StrEnum):
    """What can be wrong with something that arrived; it is kept all the same."""

    UNDECODABLE = "undecodable"
    NOT_INTERPRETED = "not_interpreted"
    VERSION_GAP = "version_gap"
    PREVIOUS_MISMATCH = "previous_mismatch"
    VERSION_REWRITTEN = "version_rewritten"
    POSITION_REUSED = "position_reused"


class Link(NamedTuple):
    """One event's place in its aggregate's chain."""

    aggregate: str
    version: int
    digest: str
    previous: str | None


def breaks(links: Sequence[Link], known: Mapping[tuple[str, int], frozenset[str]]) -> Sequence[FindingKind | None]:
    """For each link, in order of arrival, what is wrong with it.

    `known` holds the digests kept before of each link's own version and of the one before it. The same event again
    is in order; the same version with other bytes is not.
    """
    digests = dict(known)
    verdicts: list[FindingKind | None] = []
    for link in links:
        own = digests.get((link.aggregate, link.version), frozenset())
        before = digests.get((link.aggregate, link.version - 1), frozenset())
        verdicts.append(_verdict(link, own, before))
        digests[link.aggregate, link.version] = own | {link.digest}
    return verdicts


def _verdict(link: Link, own: frozenset[str], before: frozenset[str]) -> FindingKind | None:
    if own:
        return None if link.digest in own else FindingKind.VERSION_REWRITTEN
    if link.version == 1:
        return None if link.previous is None else FindingKind.PREVIOUS_MISMATCH
    if not before:
        return FindingKind.VERSION_GAP
    return None if link.previous in before else FindingKind.PREVIOUS_MISMATCH
