"""The committed examples, read byte for byte by the code of today and held against the published schemas."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contracts.golden.__main__ import make_missing
from tests.contracts.golden.messages import CONTENTS
from tests.contracts.golden.shelf import CLINIC, CONTRACTS, DESK, HANDLE, WARD
from tests.contracts.validating import faults, manifest_payload, schema
from tsunagu_contracts import jose
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.encoding import digest, from_base64url
from tsunagu_contracts.envelope import Event, decode_event
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.events import EVENTS
from tsunagu_contracts.examples import ExampleKeys, example_names, rewritten
from tsunagu_contracts.inbound import InboundMessage
from tsunagu_contracts.manifests import MANIFEST_TYP, MANIFESTS, SubmitReferral, verify_manifest
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.publish import EARLIER, EXAMPLES, KEYS
from tsunagu_contracts.schemas import INBOUND, OUTBOUND, TOKENS
from tsunagu_contracts.sealing import check_capsule, open_capsule

FOLDER = CONTRACTS / EXAMPLES
GOLDEN = {name: (FOLDER / f"{name}.json").read_bytes() for name in example_names()}
KEPT = ExampleKeys.parse((FOLDER / KEYS).read_bytes())
Json = dict[str, object]


def read(raw: bytes) -> Json:
    """The object that some bytes are."""
    value = json.loads(raw)
    assert isinstance(value, dict)
    return value


def written(value: Json) -> bytes:
    """An object as bytes, spelt as the writers spell it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def resigned(message: bytes, change: Callable[[Json], None]) -> bytes:
    """An agency's message whose manifest was changed and signed anew by the same agency."""
    manifest = str(read(message)["manifest"])
    payload = manifest_payload(manifest)
    agency_id = str(payload["source"]).removeprefix("agency/")
    change(payload)
    token = jose.sign(written(payload), KEPT.signing[agency_id], typ=MANIFEST_TYP)
    return written(read(message) | {"manifest": token})


def changed(name: str, change: Callable[[Json], None]) -> bytes:
    """A golden message after a change to its event, its manifest or its token."""
    if name in MANIFESTS:
        return resigned(GOLDEN[name], change)
    whole = read(GOLDEN[name])
    part = whole["event"] if name == INBOUND else whole
    assert isinstance(part, dict)
    change(part)
    return written(whole)


@pytest.mark.parametrize("name", GOLDEN)
def test_an_example_is_read_and_written_again_byte_for_byte(name: str) -> None:
    """What is committed is exactly what today's code writes of it."""
    assert rewritten(name, GOLDEN[name], KEPT) == GOLDEN[name]


def test_what_an_earlier_writer_wrote_is_still_read() -> None:
    """Bytes of earlier writers stand in logs and are replayed: the code reads them, and they fit the schemas."""
    for path in (FOLDER / EARLIER).glob("*.json"):
        name = path.stem.rpartition(".")[0]
        assert rewritten(name, path.read_bytes(), KEPT)
        assert faults(OUTBOUND if name in MANIFESTS else name, read(path.read_bytes())) == []


@pytest.mark.parametrize("name", GOLDEN)
def test_an_example_fits_its_published_schema(name: str) -> None:
    """A reader who has only the JSON Schema comes to the same view; of a message, of what it signs as well."""
    message = read(GOLDEN[name])
    if name in MANIFESTS:
        assert faults(OUTBOUND, message) == []
        message = manifest_payload(str(message["manifest"]))
    assert faults(name, message) == []


@pytest.mark.parametrize("name", GOLDEN)
def test_a_reader_ignores_fields_that_it_does_not_know(name: str) -> None:
    """A field of tomorrow, in the envelope and in the data, changes nothing for a reader of today."""

    def add(message: Json) -> None:
        message["of_tomorrow"] = {"unknown": ["field"]}
        if isinstance(data := message.get("data"), dict):
            data["of_tomorrow"] = "unknown"

    more = changed(name, add)
    if name in MANIFESTS:
        original = AgencyMessage.parse(GOLDEN[name])
        message = AgencyMessage.parse(more)
        agency_id = str(manifest_payload(original.manifest)["source"]).removeprefix("agency/")
        key = KEPT.of_signer(agency_id)
        assert message.verify(key, agency_id) == original.verify(key, agency_id)
        assert faults(name, manifest_payload(message.manifest)) == []
    else:
        assert rewritten(name, more, KEPT) == GOLDEN[name]
        assert faults(name, read(more)) == []


@pytest.mark.parametrize("name", [*EVENTS, *MANIFESTS, INBOUND])
@pytest.mark.parametrize(
    ("type_name", "code"),
    [
        (lambda name: name.rpartition(".v")[0] + ".v99", RefusalCode.UNKNOWN_VERSION),
        (lambda name: "nobody.knows.this.v1", RefusalCode.UNKNOWN_TYPE),
        (lambda name: name.upper(), RefusalCode.UNKNOWN_TYPE),
        (lambda name: 1, RefusalCode.UNKNOWN_TYPE),
    ],
    ids=["version of tomorrow", "unknown type", "upper case", "no text"],
)
def test_an_unknown_type_or_version_has_its_code(
    name: str, type_name: Callable[[str], object], code: RefusalCode
) -> None:
    """A reader tells a version that it is too old for from a type that it has never heard of."""

    def rename(message: Json) -> None:
        message["type"] = type_name(str(message["type"]))

    with pytest.raises(Refusal) as refused:
        rewritten(name, changed(name, rename), KEPT)
    assert refused.value.code is code


@pytest.mark.parametrize("name", GOLDEN)
def test_reader_and_schema_agree_on_what_must_be_there(name: str) -> None:
    """Without any one of its required fields, a message is refused by the code and by the schema."""
    required = schema(name).get("required")
    assert isinstance(required, list)
    for field in required:
        if name == INBOUND:
            broken = written({member: value for member, value in read(GOLDEN[name]).items() if member != field})
        else:
            broken = changed(name, _without(field))
        with pytest.raises(Refusal) as refused:
            rewritten(name, broken, KEPT)
        assert refused.value.code in (
            RefusalCode.INVALID_CONTENT,
            RefusalCode.UNKNOWN_TYPE,
            RefusalCode.AGENCY_UNKNOWN,
        ), field
        message = manifest_payload(str(read(broken)["manifest"])) if name in MANIFESTS else read(broken)
        assert faults(name, message), field


@pytest.mark.parametrize("name", [*EVENTS, *MANIFESTS])
def test_reader_and_schema_agree_on_what_the_data_must_hold(name: str) -> None:
    """Without any one field of its data that the schema requires, a message is refused by both."""
    data = _data_schema(name)
    required = data.get("required", [])
    assert isinstance(required, list)
    for field in required:

        def remove(message: Json, field: str = field) -> None:
            inner = message["data"]
            assert isinstance(inner, dict)
            del inner[field]

        broken = changed(name, remove)
        with pytest.raises(Refusal) as refused:
            rewritten(name, broken, KEPT)
        assert refused.value.code is RefusalCode.INVALID_CONTENT, field
        message = manifest_payload(str(read(broken)["manifest"])) if name in MANIFESTS else read(broken)
        assert faults(name, message), field


def test_the_examples_of_an_aggregate_follow_each_other_by_digest() -> None:
    """Each example names the bytes of the one before it, so that a reader can try the check of the chain."""
    events = {name: decode_event(GOLDEN[name]) for name in EVENTS}
    digests: dict[tuple[str, int], set[str]] = {}
    for name, event in events.items():
        earlier = [path.read_bytes() for path in (FOLDER / EARLIER).glob(f"{name}.*.json")]
        digests[event.aggregate, event.version] = {digest(raw) for raw in (GOLDEN[name], *earlier)}
    linked = 0
    for event in events.values():
        assert (event.previous is None) == (event.version == 1)
        if (event.aggregate, event.version - 1) in digests:
            assert event.previous in digests[event.aggregate, event.version - 1]
            linked += 1
    assert linked >= 13


def test_the_example_of_a_submission_is_really_signed_and_sealed() -> None:
    """With the committed keys anybody can verify the golden submission, open its capsule and read its sections."""
    message = AgencyMessage.parse(GOLDEN[SubmitReferral.TYPE])
    manifest = message.verify(KEPT.of_signer(CLINIC), CLINIC)
    assert isinstance(manifest, SubmitReferral)
    capsule = open_capsule(manifest.data.capsule, KEPT.encryption[HANDLE])
    assert set(check_capsule(CLINIC, manifest.data.sections, capsule).values()) == {None}
    for section in capsule.sections:
        body = message.bodies[section.section_id]
        assert jose.open_body(body, section.content_key, section.section_id) == CONTENTS[section.category]


def test_the_delivery_carries_the_event_and_the_bodies_unchanged() -> None:
    """What the addressee reads is the event as it stands on its topic, and the bodies as the sender sealed them."""
    delivery = InboundMessage.parse(GOLDEN[INBOUND])
    assert GOLDEN["referral.delivered.v1"] in GOLDEN[INBOUND]
    assert delivery.bodies == AgencyMessage.parse(GOLDEN[SubmitReferral.TYPE]).bodies


def test_manifests_in_the_examples_of_events_verify() -> None:
    """Wherever an example carries a manifest, it is signed by the agency in whose name it stands."""
    tokens = {name: _manifest_in(decode_event(GOLDEN[name])) for name in EVENTS}
    carried = {name: token for name, token in tokens.items() if token is not None}
    assert len(carried) >= 6
    for token in carried.values():
        agency_id = str(manifest_payload(token)["source"]).removeprefix("agency/")
        assert agency_id in (CLINIC, DESK, WARD)
        assert verify_manifest(token, KEPT.of_signer(agency_id), agency_id).agency_id == agency_id


def test_every_committed_example_belongs_to_something_that_exists() -> None:
    """No example is left over from a type that is gone."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(GOLDEN)
    assert set(GOLDEN) == {*EVENTS, *MANIFESTS, *TOKENS, INBOUND}


def test_making_examples_leaves_those_that_are_there_as_they_are(tmp_path: Path) -> None:
    """The command makes what is missing, of the same story, and changes nothing else."""
    folder = shutil.copytree(FOLDER, tmp_path / EXAMPLES)
    assert make_missing(folder) == []
    (folder / "release.granted.v1.json").unlink()
    (folder / "agency.statement.record.v1.json").unlink()
    assert set(make_missing(folder)) == {"release.granted.v1.json", "agency.statement.record.v1.json"}
    made = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    assert made.pop("agency.statement.record.v1.json") != GOLDEN["agency.statement.record.v1"]  # signed anew
    assert made == {f"{name}.json": raw for name, raw in GOLDEN.items() if name != "agency.statement.record.v1"}


@dataclass(frozen=True)
class Wrong:
    """A message to an agency that cannot be read, and the code that says why."""

    raw: bytes
    code: RefusalCode


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(b"\xff", RefusalCode.NOT_UTF8),
        Wrong(b"[]", RefusalCode.MALFORMED_JSON),
        Wrong(b'{"event":"text"}', RefusalCode.INVALID_CONTENT),
        Wrong(b'{"event":{}}', RefusalCode.UNKNOWN_TYPE),
        Wrong(GOLDEN[INBOUND].replace(b'"bodies":{', b'"bodies":[{') + b"]}", RefusalCode.MALFORMED_JSON),
        Wrong(written(read(GOLDEN[INBOUND]) | {"bodies": ["a"]}), RefusalCode.INVALID_CONTENT),
        Wrong(written(read(GOLDEN[INBOUND]) | {"bodies": {"a": 1}}), RefusalCode.INVALID_CONTENT),
    ],
    ids=lambda wrong: wrong.code.value,
)
def test_a_message_to_an_agency_that_cannot_be_read_has_its_code(wrong: Wrong) -> None:
    """An agency's program gets a code and never a bare error of a library."""
    with pytest.raises(Refusal) as refused:
        InboundMessage.parse(wrong.raw)
    assert refused.value.code is wrong.code


def _without(field: str) -> Callable[[Json], None]:
    def remove(message: Json) -> None:
        del message[field]

    return remove


def _data_schema(name: str) -> Json:
    found = schema(name)
    properties = found["properties"]
    assert isinstance(properties, dict)
    data = properties["data"]
    assert isinstance(data, dict)
    if "$ref" in data:
        definitions = found["$defs"]
        assert isinstance(definitions, dict)
        data = definitions[str(data["$ref"]).rpartition("/")[2]]
        assert isinstance(data, dict)
    return data


def _manifest_in(event: Event) -> str | None:
    token = getattr(event.data, "manifest", None)
    assert token is None or from_base64url(str(token).split(".")[1])
    return token
