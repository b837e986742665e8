"""Asking the person, as agencies of the bench do it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

import httpx

from tests.builders.agency_messages import IDS, NOW, SendingAgency
from tests.builders.consent_bench import CLINIC, DESK, Bench, Sent
from tsunagu_contracts.codes import Category, PersonChange, Purpose, ReviewAnswer
from tsunagu_contracts.manifests import (
    AnswerReview,
    AskPerson,
    ChangeReported,
    PersonAsked,
    ReportChange,
    ReviewAnswered,
)


def asking(
    sent: Sent,
    *categories: Category,
    by: SendingAgency = DESK,
    deadline: datetime,
    changes: Mapping[str, object] = MappingProxyType({}),
) -> AskPerson:
    """The manifest by which an agency asks that the person be asked, for the desk and an assessment."""
    data = {
        "request_id": IDS.new(),
        "referral_id": sent.id,
        "categories": categories,
        "purposes": (Purpose.ASSESSMENT,),
        "recipients": (DESK.id,),
        "deadline": deadline,
    }
    return AskPerson(
        id=IDS.new(),
        source=f"agency/{by.id}",
        time=NOW,
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=PersonAsked.model_validate({**data, **changes}),
    )


async def ask(bench: Bench, sent: Sent, *categories: Category, days: int = 10) -> str:
    """Let the desk ask that the person be asked, a moment after everything before; returns the request's id."""
    bench.clock.at += timedelta(seconds=1)
    manifest = asking(sent, *categories, deadline=bench.clock.now() + timedelta(days=days))
    answer = await bench.post("/requests", manifest, by=DESK)
    assert answer.status_code == 201, answer.text
    return manifest.data.request_id


async def open_requests(bench: Bench, agency: SendingAgency = CLINIC, **query: str | int) -> list[dict[str, object]]:
    """The open requests of an agency, as it reads them over HTTP."""
    answer = await bench.client.get("/requests", params=query, headers=bench.headers(agency))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def answer_review(
    bench: Bench,
    request_id: str,
    answer: ReviewAnswer = ReviewAnswer.NOTHING_TO_CHANGE,
    *,
    by: SendingAgency = CLINIC,
) -> httpx.Response:
    """Let an agency answer a review; always by a message of the same id for one of them."""
    manifest = AnswerReview(
        id=f"answer-{request_id}",
        source=f"agency/{by.id}",
        time=NOW,
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=ReviewAnswered(request_id=request_id, answer=answer),
    )
    return await bench.post("/requests/answers", manifest, by=by)


def changing(
    sent: Sent, change: PersonChange, *, by: SendingAgency = CLINIC, change_id: str | None = None
) -> ReportChange:
    """The manifest by which an agency reports a change."""
    return ReportChange(
        id=IDS.new(),
        source=f"agency/{by.id}",
        time=NOW,
        actor=f"coordinator:{by.coordinator}",
        appointment=by.appointment,
        data=ChangeReported(change_id=change_id or IDS.new(), referral_id=sent.id, change=change),
    )


async def report(
    bench: Bench, sent: Sent, change: PersonChange, *, by: SendingAgency = CLINIC, change_id: str | None = None
) -> str:
    """Let an agency report a change, a moment after everything before; returns the report's id."""
    bench.clock.at += timedelta(seconds=1)
    manifest = changing(sent, change, by=by, change_id=change_id)
    answer = await bench.post("/changes", manifest, by=by)
    assert answer.status_code == 201, answer.text
    return manifest.data.change_id
