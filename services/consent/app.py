"""The composition root of consent."""

from datetime import timedelta
from functools import partial

from services import membership
from services.consent import api, subscribers
from services.consent.settings import ConsentSettings
from services.consent.use_cases import asking_in_time, cases, due, erasures, obligations, restoring
from services.consent.use_cases.custody import Bounds, Custody, DoorBounds
from services.eventing.broker import KafkaAccess
from services.eventing.reading_back import TopicLog
from services.membership import MemberCache
from services.runtime.app import Parts, Service


def compose(parts: Parts, settings: ConsentSettings) -> Service:
    """Put consent together from its settings."""
    bounds = Bounds(
        handle_lifetime=timedelta(days=settings.handle_days),
        clock_tolerance=timedelta(seconds=settings.clock_tolerance_seconds),
        answer_within=timedelta(days=settings.answer_days),
        card_lifetime=timedelta(days=settings.card_days),
        door=DoorBounds(
            receipt_lifetime=timedelta(days=settings.receipt_days),
            token_lifetime=timedelta(minutes=settings.person_token_minutes),
            permission_lifetime=timedelta(days=settings.permission_days),
            tries=settings.secret_tries,
            locked_for=timedelta(minutes=settings.secret_locked_minutes),
            wrong_a_minute=settings.wrong_codes_a_minute,
        ),
        case_within=timedelta(days=settings.case_days),
        ask_within=timedelta(days=settings.ask_days),
        renew_within=timedelta(days=settings.renew_days),
        review_every=timedelta(days=settings.review_every_days),
    )
    custody = Custody(settings.store, bounds, parts.clock)

    log = TopicLog(
        KafkaAccess(settings.kafka_bootstrap, settings.kafka_username, settings.kafka_password.get_secret_value()),
        "tsunagu.consent.log",
    )

    async def start() -> None:
        await custody.open()
        await restoring.begin(parts.database, custody, log, parts.stopping)

    return Service(
        name="consent",
        routers=[api.router(parts.database, custody)],
        agency_signing_key=membership.signing_keys_in(parts.database),
        handler=subscribers.handler(custody, MemberCache()),
        on_start=start,
        background=(
            partial(due.cover_due, parts.database, custody),
            partial(obligations.notice_overdue, parts.database),
            partial(erasures.destroy_due, parts.database, custody),
            partial(cases.notice_overdue, parts.database),
            partial(asking_in_time.remind_and_lapse, parts.database),
            partial(asking_in_time.ask_again, parts.database, custody),
        ),
    )
