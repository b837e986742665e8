import json
from pathlib import Path

import httpx
import pytest

from tests.unit.agency.fake_services import CLINIC, DESK, FakeServices
from tsunagu_agency import (
    ActingCoordinator,
    AgencyClient,
    Inbound,
    Keystore,
    NoHandleLeftError,
    NotPublishedError,
    OutgoingMessage,
    ProblemError,
    ToAgency,
    ToService,
    UnreachableError,
    UntrustedDeliveryError,
)
from tsunagu_contracts import jose
from tsunagu_contracts.codes import (
    Area,
    Category,
    DeclineReason,
    Language,
    Purpose,
    ReferralAct,
    ReferralState,
    RefusalCode,
    ServiceFamily,
    StatementKind,
    StatementMethod,
)
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.manifests import SubmitReferral, referral_of
from tsunagu_contracts.messages import AgencyMessage
from tsunagu_contracts.notices import published

DOCTOR = ActingCoordinator(coordinator_id=CLINIC.coordinator, appointment_id=CLINIC.appointment)
WORKER = ActingCoordinator(coordinator_id=DESK.coordinator, appointment_id=DESK.appointment)
CONTENTS: dict[Category, str | bytes] = {Category.CONTACT: "03-0000-0000", Category.HEALTH: "通院中".encode()}
NOTICE = published(Language.JA).shown


@pytest.fixture
def services() -> FakeServices:
    """The services, fresh."""
    return FakeServices()


@pytest.fixture
def clinic(services: FakeServices, tmp_path: Path) -> AgencyClient:
    """The clinic's client."""
    return services.client(tmp_path / "clinic", CLINIC)


@pytest.fixture
def desk(services: FakeServices, tmp_path: Path) -> AgencyClient:
    """The desk's client."""
    return services.client(tmp_path / "desk", DESK)


def sealed_by(clinic: AgencyClient) -> OutgoingMessage:
    """A referral of the clinic to the desk."""
    return clinic.seal_referral(
        by=DOCTOR,
        to=ToAgency(agency=DESK.id),
        area=Area.FUJIMI,
        service_family=ServiceFamily.DAILY_LIFE,
        purpose=Purpose.ASSESSMENT,
        contents=CONTENTS,
        person="karte-1234",
    )


async def test_a_referral_is_sealed_offline_with_a_handle_taken_before(
    clinic: AgencyClient, services: FakeServices
) -> None:
    """Handles are fetched once; sealing then makes a message that verifies, and calls nobody."""
    assert await clinic.take_handles(2) == 2
    asked = len(services.calls)
    message = sealed_by(clinic)
    manifest = AgencyMessage.parse(message.raw).verify(CLINIC.signing.public, CLINIC.id)
    assert (manifest.id, referral_of(manifest)) == (message.message_id, message.referral_id)
    assert len(services.calls) == asked


async def test_a_message_holds_nothing_of_the_person_in_clear(clinic: AgencyClient) -> None:
    """Neither content nor the agency's own reference can be read in the bytes that travel."""
    await clinic.take_handles(1)
    raw = sealed_by(clinic).raw
    signed = jose.unverified_payload(AgencyMessage.parse(raw).manifest)
    for secret in ("03-0000-0000", "通院中", "karte-1234"):
        assert secret not in raw.decode()
        assert secret not in json.dumps(signed, ensure_ascii=False)


async def test_a_referral_to_a_named_agency_says_its_area(clinic: AgencyClient) -> None:
    """A service in an area says both; a named agency does not, and then a handle is not used up either."""
    await clinic.take_handles(1)
    with pytest.raises(ValueError, match="area"):
        clinic.seal_referral(
            by=DOCTOR, to=ToAgency(agency=DESK.id), purpose=Purpose.ASSESSMENT, contents=CONTENTS, person="k-1"
        )
    message = clinic.seal_referral(
        by=DOCTOR,
        to=ToService(service_family=ServiceFamily.DAILY_LIFE, area=Area.FUJIMI),
        purpose=Purpose.ASSESSMENT,
        contents=CONTENTS,
        person="k-1",
    )
    manifest = AgencyMessage.parse(message.raw).verify(CLINIC.signing.public, CLINIC.id)
    assert isinstance(manifest, SubmitReferral)
    assert (manifest.data.area, manifest.data.service_family) == (Area.FUJIMI, ServiceFamily.DAILY_LIFE)


async def test_every_referral_uses_up_a_handle(clinic: AgencyClient) -> None:
    """Two referrals name two handles, and without one left nothing can be sealed."""
    await clinic.take_handles(2)
    manifests = [AgencyMessage.parse(sealed_by(clinic).raw).verify(CLINIC.signing.public, CLINIC.id) for _ in range(2)]
    assert len({manifest.model_dump()["data"]["handle"] for manifest in manifests}) == 2
    with pytest.raises(NoHandleLeftError) as caught:
        sealed_by(clinic)
    assert "keep_handles" in str(caught.value)


async def test_content_too_large_costs_no_handle(clinic: AgencyClient) -> None:
    """What cannot be sent is refused before a handle is used up, and just below the limit it is sealed."""
    await clinic.take_handles(1)
    with pytest.raises(Refusal) as caught:
        clinic.seal_referral(
            by=DOCTOR,
            to=ToAgency(agency=DESK.id),
            area=Area.FUJIMI,
            service_family=ServiceFamily.DAILY_LIFE,
            purpose=Purpose.ASSESSMENT,
            contents={Category.NARRATIVE: b"x" * 49_152},
            person="karte-1234",
        )
    assert caught.value.code is RefusalCode.OVERSIZE
    clinic.seal_referral(
        by=DOCTOR,
        to=ToAgency(agency=DESK.id),
        area=Area.FUJIMI,
        service_family=ServiceFamily.DAILY_LIFE,
        purpose=Purpose.ASSESSMENT,
        contents={Category.NARRATIVE: b"x" * 48_900},
        person="karte-1234",
    )


async def test_a_message_goes_over_http_as_the_same_bytes(clinic: AgencyClient, services: FakeServices) -> None:
    """Submitting sends the message's own bytes under its own id, in the name of the coordinator in it."""
    await clinic.take_handles(1)
    message = sealed_by(clinic)
    receipt = await clinic.submit(message, by=DOCTOR)
    assert (receipt.message_id, receipt.state) == (message.message_id, ReferralState.SUBMITTED)
    assert services.calls[-1] == ("POST referral.test /messages", "coordinator:c-0001")
    assert services.keys[-1] == message.message_id
    assert OutgoingMessage.read(message.raw) == message


async def test_a_delivered_section_opens(clinic: AgencyClient, desk: AgencyClient, services: FakeServices) -> None:
    """The addressee opens a section by a release and gets its content, its category and the release's id."""
    await clinic.take_handles(1)
    item = Inbound.read(services.deliver(sealed_by(clinic).raw))
    assert (item.type, item.version) == ("referral.delivered", 3)
    assert item.delivery is not None
    for section in item.delivery.sections:
        opened = await desk.open_section(item, section.section_id, by=WORKER)
        expected = CONTENTS[section.category]
        assert opened.content == (expected if isinstance(expected, bytes) else expected.encode())
        assert opened.category is section.category
        assert opened.text not in repr(opened)
    assert services.calls[-1] == ("POST consent.test /releases", "coordinator:c-0002")


async def test_every_opening_is_a_release(clinic: AgencyClient, desk: AgencyClient, services: FakeServices) -> None:
    """The client keeps no content key: opening a section again asks `consent` again."""
    await clinic.take_handles(1)
    item = Inbound.read(services.deliver(sealed_by(clinic).raw))
    assert item.delivery is not None
    section_id = item.delivery.sections[0].section_id
    first = await desk.open_section(item, section_id, by=WORKER)
    second = await desk.open_section(item, section_id, by=WORKER)
    assert first.release_id != second.release_id
    services.refuse = RefusalCode.NOT_COVERED
    with pytest.raises(ProblemError) as caught:
        await desk.open_section(item, section_id, by=WORKER)
    assert (caught.value.status, caught.value.code) == (403, "not_covered")


async def test_what_the_sender_did_not_sign_is_not_opened(
    clinic: AgencyClient, desk: AgencyClient, services: FakeServices
) -> None:
    """A body exchanged on its way is noticed before any key is asked for."""
    await clinic.take_handles(1)
    honest = json.loads(services.deliver(sealed_by(clinic).raw))
    section_id = next(iter(honest["bodies"]))
    honest["bodies"][section_id] = jose.seal_body(b"forged", bytes(32), section_id)
    with pytest.raises(UntrustedDeliveryError) as caught:
        await desk.open_section(Inbound.read(json.dumps(honest).encode()), section_id, by=WORKER)
    assert caught.value.code is RefusalCode.DIGEST_MISMATCH
    assert not any("/releases" in call for call, _ in services.calls)


async def test_a_manifest_of_another_referral_is_not_opened(
    clinic: AgencyClient, desk: AgencyClient, services: FakeServices
) -> None:
    """A delivery whose manifest speaks of another referral is not trusted."""
    await clinic.take_handles(2)
    honest = json.loads(services.deliver(sealed_by(clinic).raw))
    other = services.deliver(sealed_by(clinic).raw)
    honest["event"]["data"]["manifest"] = json.loads(other)["event"]["data"]["manifest"]
    honest["bodies"] = json.loads(other)["bodies"]
    with pytest.raises(UntrustedDeliveryError) as caught:
        await desk.open_section(Inbound.read(json.dumps(honest).encode()), "s-1", by=WORKER)
    assert caught.value.code is RefusalCode.INVALID_CONTENT


async def test_a_coordinators_own_token_is_used_where_there_is_one(desk: AgencyClient, services: FakeServices) -> None:
    """With a sign-in token of the coordinator the agency's system does not vouch."""
    signed_in = WORKER.model_copy(update={"token": "the-coordinators-own-token"})
    services.refuse = RefusalCode.REFERRAL_NOT_OPEN
    with pytest.raises(ProblemError) as caught:
        await desk.act("f-1", ReferralAct.ACCEPT, by=signed_in, expected_version=3)
    assert caught.value.code == "referral_not_open"
    assert "the-coordinators-own-token" not in repr(signed_in)


async def test_acts_carry_the_version_that_was_seen(desk: AgencyClient) -> None:
    """An act names the referral, the version, and its reason, signed by the agency."""
    message = desk.write_act(
        "f-1", ReferralAct.DECLINE, by=WORKER, expected_version=3, reason=DeclineReason.NO_CAPACITY
    )
    manifest = AgencyMessage.parse(message.raw).verify(DESK.signing.public, DESK.id)
    assert manifest.expectedversion == 3
    assert (await desk.act("f-1", ReferralAct.ACCEPT, by=WORKER, expected_version=3)).referral_id == "f-1"


async def test_the_persons_word_is_recorded_with_consent(desk: AgencyClient, services: FakeServices) -> None:
    """A statement goes to `consent`, signed, in the coordinator's name, and to nobody else."""
    receipt = await desk.record_statement(
        "f-1",
        StatementKind.GRANT,
        by=WORKER,
        categories=[Category.CONTACT],
        recipients=[DESK.id],
        purposes=[Purpose.ASSESSMENT],
        how=StatementMethod.WRITTEN,
        notice=NOTICE,
    )
    assert receipt.referral_id == "f-1"
    assert services.calls == [("POST consent.test /statements", "coordinator:c-0002")]


async def test_a_problem_says_what_to_do_next_in_both_languages(clinic: AgencyClient, services: FakeServices) -> None:
    """A refusal is a typed error with its code, its status and the next step."""
    services.refuse = RefusalCode.APPOINTMENT_NOT_VALID
    with pytest.raises(ProblemError) as caught:
        await clinic.take_handles(1)
    error = caught.value
    assert error.code == RefusalCode.APPOINTMENT_NOT_VALID
    assert "任命" in str(error)
    assert "administrator" in str(error)
    assert "kept" in str(error)


async def test_a_kafka_that_is_away_loses_nothing(clinic: AgencyClient) -> None:
    """Without an acknowledgement there is an error that says the message is kept and may be sent again."""
    await clinic.take_handles(1)
    message = sealed_by(clinic)
    with pytest.raises(NotPublishedError) as published:
        await clinic.publish(message)
    assert published.value.message_id == message.message_id
    assert "again" in str(published.value)
    with pytest.raises(UnreachableError) as listening:
        await anext(clinic.inbox())
    assert listening.value.service == "Kafka"
    await clinic.close()


async def test_a_service_that_is_away_is_told_apart_from_a_refusal(services: FakeServices, tmp_path: Path) -> None:
    """No answer is `UnreachableError`, which says that repeating is safe."""
    services.client(tmp_path, CLINIC)

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    offline = AgencyClient(Keystore.open(tmp_path), services.network(), transport=httpx.MockTransport(away))
    with pytest.raises(UnreachableError) as caught:
        await offline.take_handles(1)
    assert caught.value.service == "consent"
    assert "repeat" in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b'{"handles":7}', b'{"handles":["a b"]}'])
async def test_an_answer_that_is_none_is_an_error(content: bytes, services: FakeServices, tmp_path: Path) -> None:
    """A proxy's page or an unknown answer is an error with a code, not a crash."""
    services.client(tmp_path, CLINIC)
    answering = httpx.MockTransport(lambda request: httpx.Response(200, content=content))
    odd = AgencyClient(Keystore.open(tmp_path), services.network(), transport=answering)
    with pytest.raises(ProblemError) as caught:
        await odd.take_handles(1)
    assert caught.value.code in {"unexpected_answer", "unknown"}


def test_items_that_cannot_be_read_do_not_stop_the_inbox() -> None:
    """Bytes of a newer network, or no JSON at all, come through as unreadable with their code."""
    newer = Inbound.read(b'{"event":{"type":"referral.danced.v1"},"bodies":{}}')
    assert (newer.event, newer.unreadable) == (None, RefusalCode.UNKNOWN_TYPE)
    assert Inbound.read(b"\xff").unreadable is RefusalCode.NOT_UTF8
    assert (newer.referral_id, newer.version, newer.delivery, newer.type) == (None, None, None, None)


async def test_only_a_delivery_has_sections_to_open(desk: AgencyClient) -> None:
    """Opening a section of anything else is a mistake that is said at once."""
    with pytest.raises(ValueError, match="delivered"):
        await desk.open_section(Inbound.read(b"{}"), "s-1", by=WORKER)
