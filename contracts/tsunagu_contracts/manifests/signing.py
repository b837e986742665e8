"""Signing a manifest and verifying one."""

from pydantic import TypeAdapter, ValidationError

from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.envelope import check_type
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import PublicKey, SigningKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits
from tsunagu_contracts.manifests.known import MANIFESTS, AnyManifest
from tsunagu_contracts.manifests.referral import SubmitReferral
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.types import Id

MANIFEST_TYP = "tsunagu-manifest"


_NAMES = frozenset(MANIFESTS)
_STEMS = frozenset(name.rpartition(".v")[0] for name in _NAMES)
_ID: TypeAdapter[str] = TypeAdapter(Id)


def sign_manifest(manifest: AnyManifest, key: SigningKey) -> str:
    """Sign a manifest; the result travels verbatim to everyone who relies on it."""
    return jose.sign(manifest.model_dump_json().encode("utf-8"), key, typ=MANIFEST_TYP)


def verify_manifest(token: str, key: PublicKey, agency_id: str, *, limits: Limits = DEFAULT_LIMITS) -> AnyManifest:
    """Return the manifest that this agency signed with this key.

    Codes: as for `jose.verify`, and `malformed_json`, `not_utf8`, `unknown_type`, `unknown_version`,
    `invalid_content`, `sender_mismatch` (signed in another agency's name), `oversize` (too many sections).
    """
    manifest = _read(parse_object(jose.verify(token, key, typ=MANIFEST_TYP, limits=limits)))
    if manifest.agency_id != agency_id:
        raise Refusal(RefusalCode.SENDER_MISMATCH)
    if isinstance(manifest, SubmitReferral) and len(manifest.data.sections) > limits.sections:
        raise Refusal(RefusalCode.OVERSIZE, part="sections")
    return manifest


def _read(content: dict[str, object]) -> AnyManifest:
    name = check_type(content.get("type"), _NAMES, _STEMS)
    try:
        return MANIFESTS[name].model_validate(content)
    except ValidationError as error:
        raise Refusal(RefusalCode.INVALID_CONTENT, where=_place(error)) from None


def _place(error: ValidationError) -> str:
    """Where the first fault is, in names of ours: a name that the sender made up is not repeated."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    location = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]
    return ".".join(str(part) for part in location)[:80]
