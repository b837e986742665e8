"""Evidence of what a person said: sealed here to two custodians, kept by `audit`, opened only by both."""

from tsunagu_agency.answers import Agency, AgencyFacts, EvidenceOpening, EvidenceReceipt, KeptEvidence, read
from tsunagu_agency.http import Services
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.outgoing import ActingCoordinator
from tsunagu_contracts import jose
from tsunagu_contracts.codes import DisputeGround, RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.evidence import (
    Custodian,
    SealedEvidence,
    check_custodians,
    open_evidence,
    pass_share_on,
    seal_evidence,
    sealed_limit,
)
from tsunagu_contracts.limits import Limits
from tsunagu_contracts.manifests import (
    EvidenceGiven,
    ForEvidence,
    OpenEvidence,
    OpeningAsked,
    StoreEvidence,
    sign_manifest,
    verify_manifest,
)
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.ports import Clock, Ids, RandomBytes


class Evidence:
    """Sealing, storing and opening of evidence for one agency; reached as `AgencyClient.evidence`."""

    def __init__(
        self,
        keystore: Keystore,
        services: Services,
        *,
        clock: Clock,
        ids: Ids,
        random: RandomBytes,
        limits: Limits,
    ) -> None:
        self._keystore = keystore
        self._services = services
        self._clock = clock
        self._ids = ids
        self._random = random
        self._limits = limits

    async def seal(self, content: bytes, *, custodians: tuple[str, str]) -> SealedEvidence:
        """Seal a file (PNG, JPEG, PDF, MP3, M4A, Ogg, WAV; up to 20 MB) to two agencies, neither of them this one.

        Its `digest` goes into the statement that it shows (`record_statement`), the whole to `store`, in either order.
        Refuses with `oversize`, `evidence_kind` and `custodian_not_allowed`; raises `ProblemError` for no agency.
        """
        check_custodians(self._keystore.agency_id, custodians)
        first, second = [
            Custodian(custodian, (await self._facts(custodian)).encryption_key) for custodian in custodians
        ]
        return seal_evidence(
            self._keystore.agency_id,
            content,
            self._ids.new(),
            (first, second),
            random=self._random,
            limits=self._limits,
        )

    async def store(
        self, sealed: SealedEvidence, *, referral_id: str, statement_id: str, by: ActingCoordinator
    ) -> EvidenceReceipt:
        """Have `audit` keep a sealed file as evidence of this agency's statement on a referral.

        Raises `ProblemError` when it is refused and `UnreachableError` when nothing answers; the same file again
        changes nothing.
        """
        manifest = StoreEvidence(
            id=self._ids.new(),
            source=f"agency/{self._keystore.agency_id}",
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=EvidenceGiven(
                evidence_id=sealed.evidence_id,
                referral_id=referral_id,
                statement_id=statement_id,
                media_type=sealed.media_type,
                size=len(sealed.file),
                digest=sealed.digest,
                shares=sealed.shares,
            ),
        )
        content = self._signed(manifest) + b"\n" + sealed.file
        answer = await self._services.post(
            "audit", "/evidence", content, by=by, idempotency_key=manifest.id, media_type="application/octet-stream"
        )
        return read(EvidenceReceipt, answer)

    async def open(
        self, evidence_id: str, dispute_id: str, ground: DisputeGround, *, by: ActingCoordinator
    ) -> bytes | None:
        """Ask, as a custodian's supervisor, for evidence to be opened in a dispute; returns the plain file.

        None while the other custodian has not asked for the same dispute: call again once it has. Every call is on
        record, with who made it. Raises as `store`; refuses with `cannot_open` what the other custodian has spoilt, and
        with `signature_invalid` and the like what the recording agency has not signed.
        """
        given = await self._given(evidence_id, by)
        own, key = self._keystore.agency_id, self._keystore.encryption
        others = [each.custodian for each in given.shares if each.custodian != own]
        if len(others) != 1:
            raise Refusal(RefusalCode.EVIDENCE_UNKNOWN)
        other = (await self._facts(others[0])).encryption_key
        manifest = OpenEvidence(
            id=self._ids.new(),
            source=f"agency/{own}",
            time=self._clock.now(),
            actor=by.actor,
            appointment=by.appointment_id,
            data=OpeningAsked(
                evidence_id=evidence_id,
                dispute_id=dispute_id,
                ground=ground,
                share=pass_share_on(given, own, key, other, dispute_id),
            ),
        )
        message = self._signed(manifest)
        answer = await self._services.post("audit", "/evidence/openings", message, by=by, idempotency_key=manifest.id)
        share = read(EvidenceOpening, answer).share
        if share is None:
            return None
        place, limit = f"/evidence/{evidence_id}/file?dispute_id={dispute_id}", sealed_limit(self._limits)
        file = await self._services.fetch("audit", place, by=by, limit=limit)
        return open_evidence(given, file, own, key, share, dispute_id, limits=self._limits)

    async def _given(self, evidence_id: str, by: ActingCoordinator) -> EvidenceGiven:
        """What the recording agency has signed of this evidence."""
        kept = read(KeptEvidence, await self._services.get("audit", f"/evidence/{evidence_id}", by=by))
        source = jose.unverified_payload(kept.manifest).get("source")
        recorder = str(source).removeprefix("agency/")
        manifest = verify_manifest(kept.manifest, (await self._facts(recorder)).signing_key, recorder)
        if not isinstance(manifest, StoreEvidence) or manifest.data.evidence_id != evidence_id:
            raise Refusal(RefusalCode.INVALID_CONTENT, where="manifest")
        return manifest.data

    async def _facts(self, agency_id: str) -> AgencyFacts:
        return read(Agency, await self._services.get("directory", f"/agencies/{agency_id}")).tsunagu

    def _signed(self, manifest: ForEvidence) -> bytes:
        return AgencyMessage(sign_manifest(manifest, self._keystore.signing)).to_bytes()
