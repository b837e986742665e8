"""Messages of agencies: a signed manifest, sealed bodies beside it; the same bytes over Kafka and HTTP."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.manifests import AnyManifest, SubmitReferral, verify_manifest
from tsunagu_contracts.strict_json import parse_object


@dataclass(frozen=True, slots=True)
class AgencyMessage:
    """A message as it travels: the manifest's JWS, and each section's body as a JWE by section id."""

    manifest: str
    bodies: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Read a message's bytes, unverified; other members of the object are ignored.

        Codes: `oversize` (before anything is read), `not_utf8`, `malformed_json`, `invalid_content`,
        `json_serialisation` (a JWS or JWE that is an object and not compact).
        """
        if len(raw) > limits.message:
            raise Refusal(RefusalCode.OVERSIZE, part="message")
        members = parse_object(raw)
        bodies = members.get("bodies", {})
        if not isinstance(bodies, dict):
            raise Refusal(RefusalCode.INVALID_CONTENT, where="bodies")
        return cls(
            manifest=_compact(members.get("manifest"), "manifest"),
            bodies={section_id: _compact(body, "bodies") for section_id, body in bodies.items()},
        )

    def to_bytes(self) -> bytes:
        """Return the bytes that `parse` reads."""
        members = {"manifest": self.manifest, "bodies": dict(self.bodies)}
        return json.dumps(members, separators=(",", ":")).encode("utf-8")

    def verify(self, key: PublicKey, agency_id: str, limits: Limits = DEFAULT_LIMITS) -> AnyManifest:
        """Return the manifest, once its signature, its sender and every body have been checked.

        Codes: as for `verify_manifest` and `check_bodies`.
        """
        manifest = verify_manifest(self.manifest, key, agency_id, limits=limits)
        check_bodies(manifest, self.bodies, limits=limits)
        return manifest


def check_bodies(manifest: AnyManifest, bodies: Mapping[str, str], *, limits: Limits = DEFAULT_LIMITS) -> None:
    """Check that the bodies are the ones that the manifest lists: ids, form and digests.

    Codes: `body_unexpected`, `body_missing`, `digest_mismatch`, and as for `jose.check_body`.
    """
    sections = manifest.data.sections if isinstance(manifest, SubmitReferral) else ()
    listed = {section.section_id for section in sections}
    if bodies.keys() - listed:
        raise Refusal(RefusalCode.BODY_UNEXPECTED)
    for section in sections:
        body = bodies.get(section.section_id)
        if body is None:
            raise Refusal(RefusalCode.BODY_MISSING, section_id=section.section_id)
        jose.check_body(body, section.section_id, limits=limits)
        if digest(body) != section.digest:
            raise Refusal(RefusalCode.DIGEST_MISMATCH, section_id=section.section_id)


def _compact(value: object, where: str) -> str:
    if isinstance(value, dict):
        raise Refusal(RefusalCode.JSON_SERIALISATION, where=where)
    if not isinstance(value, str):
        raise Refusal(RefusalCode.INVALID_CONTENT, where=where)
    return value
