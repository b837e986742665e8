"""Keeping sealed evidence: what may come in, and saying that it is kept."""

import tempfile
from collections.abc import AsyncIterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from services import membership
from services.audit.storage import evidence, questions
from services.audit.storage.evidence import Kept
from services.eventing.work import Emission, Work
from services.membership.messages import Verified, appointed
from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import Cause
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events.audit import EvidenceStored
from tsunagu_contracts.evidence import SHARE_TYP, SealedFileCheck, check_custodians
from tsunagu_contracts.manifests import StoreEvidence

_PIECE_BYTES = 256 * 1024
_GRANT = 1
"""The version of an appointment's aggregate that grants it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Evidence that is kept; `again` when the same file had come for the same statement before."""

    evidence_id: str
    stored_at: datetime
    again: bool


class Spool:
    """A sealed file on its way in: on this machine's disk, nameless, until it is known to be what was signed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    async def filled(cls, arriving: AsyncIterable[bytes], manifest: StoreEvidence) -> "Spool":
        """Take a file in as it comes; refuses as `SealedFileCheck`, as soon as it can be known."""
        check, file = SealedFileCheck(manifest.data), tempfile.TemporaryFile()  # noqa: SIM115 - closed with the spool
        try:
            async for piece in arriving:
                check.take(piece)
                file.write(piece)
            check.end()
        except BaseException:
            file.close()
            raise
        return cls(file)

    def pieces(self) -> Iterator[bytes]:
        """Read it from the beginning, a piece at a time."""
        self._file.seek(0)
        while piece := self._file.read(_PIECE_BYTES):
            yield piece

    def close(self) -> None:
        """Forget it."""
        self._file.close()


async def judge(work: Work, verified: Verified[StoreEvidence]) -> Stored | None:
    """Say whether this evidence may come in; returns what became of it if it had come before.

    Refuses with the codes of `appointed` and `check_custodians`, `custodian_not_allowed` (no agency of the network),
    those of `jose.check_wrapped` (a share that is not sealed to a custodian's registered key), `referral_unknown` (not
    a party) and `duplicate_id`.
    """
    manifest, given = verified.manifest, verified.manifest.data
    await appointed(work, manifest)
    earlier = await evidence.find_by_message(work.session, manifest.agency_id, manifest.id)
    earlier = earlier or await evidence.find(work.session, given.evidence_id)
    if earlier is not None:
        return _again(earlier, verified)
    referral = await questions.scope_of(work.session, given.referral_id)
    if referral is None or manifest.agency_id not in (referral.sender, referral.addressee):
        raise Refusal(RefusalCode.REFERRAL_UNKNOWN)
    custodians = [each.custodian for each in given.shares]
    check_custodians(manifest.agency_id, custodians)
    keys = await membership.agency_keys(work.session, custodians)
    if len(keys) != len(custodians):
        raise Refusal(RefusalCode.CUSTODIAN_NOT_ALLOWED)
    for each in given.shares:
        jose.check_wrapped(each.share, keys[each.custodian].encryption, typ=SHARE_TYP)
    return None


async def store(work: Work, verified: Verified[StoreEvidence], spool: Spool) -> Stored:
    """Keep a file and say so, in one transaction; the same file again changes nothing. Refuses as `judge`."""
    earlier = await judge(work, verified)
    if earlier is not None:
        return earlier
    manifest, given = verified.manifest, verified.manifest.data
    stored = EvidenceStored(
        evidence_id=given.evidence_id,
        referral_id=given.referral_id,
        statement_id=given.statement_id,
        media_type=given.media_type,
        size=given.size,
        digest=given.digest,
        custodians=tuple(each.custodian for each in given.shares),
        recorded_by=verified.recorded_by,
        stored_at=work.now,
        message_id=manifest.id,
        manifest=verified.token,
    )
    await evidence.keep(work.session, stored, spool.pieces())
    cause = Cause(f"appointment:{manifest.appointment}", _GRANT)
    saying = Emission(f"evidence:{given.evidence_id}", stored, verified.actor, manifest.appointment, cause, begins=True)
    await work.emit(saying)
    return Stored(given.evidence_id, stored.stored_at, again=False)


def _again(earlier: Kept, verified: Verified[StoreEvidence]) -> Stored:
    before = StoreEvidence.model_validate(jose.unverified_payload(earlier.manifest))
    if (before.agency_id, before.data) != (verified.manifest.agency_id, verified.manifest.data):
        raise Refusal(RefusalCode.DUPLICATE_ID)
    return Stored(earlier.evidence_id, earlier.stored_at, again=True)
