"""Kinds of bad messages of agencies: what each is answered, by its code."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.referral_bench import CLINIC, LIMITS, NPO, Bench
from tests.service.bad_input.fates import ANSWERED_AGAIN, TAKEN, Draft, Json, Kind, refused
from tests.service.bad_input.shared_kinds import SHARED
from tsunagu_contracts import jose
from tsunagu_contracts.codes import Area, Category, ReferralAct, RefusalCode, ServiceFamily, StatementKind
from tsunagu_contracts.keys import SigningKey
from tsunagu_contracts.manifests import MANIFEST_TYP, SubmitReferral, ToAgency, ToService
from tsunagu_contracts.topics import agency_outbound

STRANGER = SendingAgency(id="chiyoda-stranger")
"""An agency with a topic that the directory has not named."""

LATER = "ap-later"
"""An appointment of the clinic's coordinator that has not begun."""


@dataclass(frozen=True)
class Scene:
    """What the clinic has said before the bad message, and what makes more of the same."""

    bench: Bench
    before: SubmitReferral
    raw_before: bytes


Spoil = Callable[[Draft, Scene], Draft]


def _message(spoil: Callable[[bytes, Scene], bytes]) -> Spoil:
    return lambda draft, scene: replace(draft, value=spoil(draft.value or b"", scene))


def _changed(raw: bytes, **members: object) -> bytes:
    return json.dumps({**json.loads(raw), **members}).encode()


def _resigned(raw: bytes, change: Callable[[Json], object], key: SigningKey = CLINIC.signing) -> bytes:
    """Change a message's manifest and sign it again."""
    content = jose.unverified_payload(json.loads(raw)["manifest"])
    change(content)
    return _changed(raw, manifest=jose.sign(json.dumps(content).encode(), key, typ=MANIFEST_TYP))


def _manifest(change: Callable[[Json], object], key: SigningKey = CLINIC.signing) -> Spoil:
    return _message(lambda raw, _: _resigned(raw, change, key))


def _data(**changes: object) -> Spoil:
    def change(content: Json) -> None:
        data = content["data"]
        assert isinstance(data, dict)
        data.update(changes)

    return _manifest(change)


def _signed_as_it_is(payload: bytes) -> Spoil:
    """A manifest of any bytes, truly signed."""
    return _message(lambda raw, _: _changed(raw, manifest=jose.sign(payload, CLINIC.signing, typ=MANIFEST_TYP)))


def _header(**header: object) -> Spoil:
    """Put another header before a message's manifest, leaving payload and signature."""

    def spoil(raw: bytes, _: Scene) -> bytes:
        _, payload, signature = json.loads(raw)["manifest"].split(".")
        head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        return _changed(raw, manifest=f"{head}.{payload}.{signature}")

    return _message(spoil)


def _body(value: object) -> Spoil:
    """Put something else in the place of a message's first body."""

    def spoil(raw: bytes, _: Scene) -> bytes:
        bodies = json.loads(raw)["bodies"]
        return _changed(raw, bodies={**bodies, next(iter(bodies)): value})

    return _message(spoil)


def _one_byte_off(token: str) -> str:
    """Change one character inside a token's payload."""
    position = token.index(".") + 20
    return token[:position] + ("A" if token[position] != "A" else "B") + token[position + 1 :]


def _one_byte_off_body(raw: bytes, _: Scene) -> bytes:
    bodies = json.loads(raw)["bodies"]
    section_id, body = next(iter(bodies.items()))
    head, key, nonce, text, tag = body.split(".")
    off = ".".join((head, key, nonce, ("A" if text[0] != "A" else "B") + text[1:], tag))
    return _changed(raw, bodies={**bodies, section_id: off})


def _bodies_exchanged(raw: bytes, _: Scene) -> bytes:
    bodies = json.loads(raw)["bodies"]
    (one, first), (other, second), *rest = bodies.items()
    return _changed(raw, bodies={one: second, other: first, **dict(rest)})


def _with_handle(of: SendingAgency = CLINIC, *, lasts: timedelta = timedelta(days=1)) -> Spoil:
    def spoil(_: bytes, scene: Scene) -> bytes:
        handle = scene.bench.consent.handle_for(of.id, expires_at=NOW + lasts)
        sealed = CLINIC.seal(handle)
        manifest = CLINIC.submission(handle, sealed, scene.bench.consent.encryption.public)
        return CLINIC.message(manifest, sealed).to_bytes()

    return _message(spoil)


def _submission(**changes: object) -> Spoil:
    return _message(lambda _, scene: scene.bench.submission(**changes)[1])


def _of_before(**changes: Callable[[SubmitReferral], object]) -> Spoil:
    """A new submission with something of the one before it in its data."""
    return _message(
        lambda raw, scene: _resigned(
            raw,
            lambda content: content.update(
                data=content["data"] | {name: take(scene.before) for name, take in changes.items()}  # type: ignore[operator]
            ),
        )
    )


def _act(referral_of: Callable[[Scene], str], act: ReferralAct, *, version: int = 1) -> Spoil:
    return _message(
        lambda _, scene: CLINIC.message(CLINIC.act(referral_of(scene), act, expected_version=version)).to_bytes()
    )


def _by(agency: SendingAgency, make: Callable[[Scene], bytes]) -> Spoil:
    """A message on another agency's topic."""
    return lambda draft, scene: replace(draft, topic=agency_outbound(agency.id), value=make(scene))


def _before(scene: Scene) -> str:
    return scene.before.data.referral_id


def _statement(_: bytes, scene: Scene) -> bytes:
    return CLINIC.message(CLINIC.statement(_before(scene), StatementKind.GRANT, Category.HEALTH)).to_bytes()


def _decline_without_reason(_: bytes, scene: Scene) -> bytes:
    accepting = CLINIC.message(CLINIC.act(_before(scene), ReferralAct.ACCEPT)).to_bytes()
    data = {"referral_id": _before(scene), "act": ReferralAct.DECLINE}
    return _resigned(accepting, lambda content: content.update(data=data))


def _without(name: str) -> Kind[Scene]:
    code = RefusalCode.UNKNOWN_TYPE if name == "type" else RefusalCode.INVALID_CONTENT
    optional = name in _DEFAULTED
    return Kind(
        f"a manifest without `{name}`",
        _manifest(lambda content: content.pop(name)),
        TAKEN if optional else refused(code),
    )


_DEFAULTED = {name for name, info in SubmitReferral.model_fields.items() if not info.is_required() and name != "type"}
_FORM = (
    Kind("beyond the limit", _message(lambda raw, _: raw + b" " * LIMITS.message), refused(RefusalCode.OVERSIZE)),
    Kind("an empty object", _message(lambda _, __: b"{}"), refused(RefusalCode.INVALID_CONTENT)),
    Kind("bodies in a list", _message(lambda raw, _: _changed(raw, bodies=[])), refused(RefusalCode.INVALID_CONTENT)),
    Kind(
        "a manifest that is an object",
        _message(lambda raw, _: _changed(raw, manifest={"payload": ""})),
        refused(RefusalCode.JSON_SERIALISATION),
    ),
    Kind(
        "a manifest that is no token",
        _message(lambda raw, _: _changed(raw, manifest="hello")),
        refused(RefusalCode.TOKEN_MALFORMED),
    ),
    Kind("a signed manifest of no JSON", _signed_as_it_is(b"hello"), refused(RefusalCode.MALFORMED_JSON)),
    Kind("a signed manifest that is not UTF-8", _signed_as_it_is(b"\xff"), refused(RefusalCode.NOT_UTF8)),
    *(_without(name) for name in SubmitReferral.model_fields),
    Kind("a manifest with a member that nobody knows", _manifest(lambda content: content.update(more=1)), TAKEN),
    Kind(
        "a manifest of an unknown type",
        _manifest(lambda content: content.update(type="agency.something.else.v1")),
        refused(RefusalCode.UNKNOWN_TYPE),
    ),
    Kind(
        "a manifest of a version of tomorrow",
        _manifest(lambda content: content.update(type="agency.referral.submit.v9")),
        refused(RefusalCode.UNKNOWN_VERSION),
    ),
    Kind(
        "a manifest of another specversion",
        _manifest(lambda content: content.update(specversion="0.3")),
        refused(RefusalCode.INVALID_CONTENT),
    ),
    Kind(
        "a manifest from before the calendar begins",
        _manifest(lambda content: content.update(time="0001-01-01T00:00:00+14:00")),
        refused(RefusalCode.INVALID_CONTENT),
    ),
    Kind("a code of tomorrow", _data(purpose="of_tomorrow"), refused(RefusalCode.INVALID_CONTENT)),
    Kind("no sections", _data(sections=[]), refused(RefusalCode.INVALID_CONTENT)),
)
_SEALS = (
    Kind(
        "one byte of the manifest changed",
        _message(lambda raw, _: _changed(raw, manifest=_one_byte_off(json.loads(raw)["manifest"]))),
        refused(RefusalCode.SIGNATURE_INVALID),
    ),
    Kind("signed with another agency's key", _manifest(lambda _: None, NPO.signing), refused(RefusalCode.UNKNOWN_KEY)),
    Kind(
        "signed in another agency's name",
        _manifest(lambda content: content.update(source=f"agency/{NPO.id}")),
        refused(RefusalCode.SENDER_MISMATCH),
    ),
    Kind(
        "on another agency's topic",
        _by(NPO, lambda scene: scene.bench.submission()[1]),
        refused(RefusalCode.UNKNOWN_KEY),
    ),
    Kind("algorithm `none`", _header(alg="none", typ=MANIFEST_TYP), refused(RefusalCode.ALGORITHM_NOT_ALLOWED)),
    Kind(
        "algorithm `HS256`",
        _header(alg="HS256", kid=CLINIC.signing.public.kid, typ=MANIFEST_TYP),
        refused(RefusalCode.ALGORITHM_NOT_ALLOWED),
    ),
    Kind(
        "a token of another purpose",
        _header(alg="ES256", kid=CLINIC.signing.public.kid, typ="tsunagu-handle"),
        refused(RefusalCode.HEADER_NOT_ALLOWED),
    ),
    Kind("a body that is no JWE", _body("hello"), refused(RefusalCode.TOKEN_MALFORMED)),
    Kind("a body in JSON serialisation", _body({"recipients": [{}, {}]}), refused(RefusalCode.JSON_SERIALISATION)),
    Kind("a body with a zero byte", _body("a\x00b"), refused(RefusalCode.TOKEN_MALFORMED)),
    Kind("a body beyond its limit", _body("a" * (LIMITS.body + 1)), refused(RefusalCode.OVERSIZE)),
    Kind("a body left out", _message(lambda raw, _: _changed(raw, bodies={})), refused(RefusalCode.BODY_MISSING)),
    Kind(
        "a body too many",
        _message(lambda raw, _: _changed(raw, bodies={**json.loads(raw)["bodies"], "more": "a.b.c.d.e"})),
        refused(RefusalCode.BODY_UNEXPECTED),
    ),
    Kind("one byte of a body changed", _message(_one_byte_off_body), refused(RefusalCode.DIGEST_MISMATCH)),
    Kind("two bodies exchanged", _message(_bodies_exchanged), refused(RefusalCode.HEADER_NOT_ALLOWED)),
    Kind("an expired handle", _with_handle(lasts=timedelta()), refused(RefusalCode.HANDLE_EXPIRED)),
    Kind("another agency's handle", _with_handle(NPO), refused(RefusalCode.HANDLE_OF_ANOTHER_AGENCY)),
    Kind("a handle that is no token", _data(handle="hello"), refused(RefusalCode.TOKEN_MALFORMED)),
    Kind(
        "a handle used before",
        _of_before(handle=lambda sent: sent.data.handle),
        refused(RefusalCode.HANDLE_ALREADY_USED),
    ),
)
_MEANING = (
    Kind("the same message again", _message(lambda _, scene: scene.raw_before), ANSWERED_AGAIN),
    Kind(
        "another message under the same id",
        _message(lambda raw, scene: _resigned(raw, lambda content: content.update(id=scene.before.id))),
        refused(RefusalCode.DUPLICATE_ID),
    ),
    Kind(
        "a referral that exists",
        _of_before(referral_id=lambda sent: sent.data.referral_id),
        refused(RefusalCode.REFERRAL_EXISTS),
    ),
    Kind(
        "an addressee that nobody knows",
        _submission(to=ToAgency(agency="nobody")),
        refused(RefusalCode.ADDRESSEE_UNKNOWN),
    ),
    Kind(
        "an area without a desk",
        _submission(to=ToService(service_family=ServiceFamily.DAILY_LIFE, area=Area.SHIBA)),
        refused(RefusalCode.ADDRESSEE_UNKNOWN),
    ),
    Kind(
        "another coordinator's appointment",
        _manifest(lambda content: content.update(actor="coordinator:c-0003")),
        refused(RefusalCode.APPOINTMENT_OF_ANOTHER),
    ),
    Kind(
        "an appointment that nobody knows",
        _manifest(lambda content: content.update(appointment="ap-none")),
        refused(RefusalCode.APPOINTMENT_UNKNOWN),
    ),
    Kind(
        "an appointment that does not hold",
        _manifest(lambda content: content.update(appointment=LATER)),
        refused(RefusalCode.APPOINTMENT_NOT_VALID),
    ),
    Kind(
        "an act on a referral that does not exist",
        _act(lambda _: IDS.new(), ReferralAct.ACCEPT),
        refused(RefusalCode.REFERRAL_UNKNOWN),
    ),
    Kind(
        "an act on a referral of others",
        _by(NPO, lambda scene: NPO.message(NPO.act(_before(scene), ReferralAct.ACCEPT, expected_version=1)).to_bytes()),
        refused(RefusalCode.REFERRAL_UNKNOWN),
    ),
    Kind(
        "an act on another version", _act(_before, ReferralAct.ACCEPT, version=7), refused(RefusalCode.VERSION_CONFLICT)
    ),
    Kind("an act that is the recipient's", _act(_before, ReferralAct.ACCEPT), refused(RefusalCode.NOT_PERMITTED)),
    Kind("a decline without a reason", _message(_decline_without_reason), refused(RefusalCode.INVALID_CONTENT)),
    Kind("the person's word, which belongs to `consent`", _message(_statement), refused(RefusalCode.UNKNOWN_TYPE)),
    Kind(
        "of an agency that nobody knows",
        _by(STRANGER, lambda scene: scene.bench.submission()[1]),
        refused(RefusalCode.AGENCY_UNKNOWN),
    ),
)

AGENCY_KINDS: tuple[Kind[Scene], ...] = (
    *(shared.of_agencies() for shared in SHARED),
    *_FORM,
    *_SEALS,
    *_MEANING,
)
"""Every kind of bad message of an agency."""
