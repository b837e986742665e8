"""The composition root of consent."""

from datetime import timedelta
from functools import partial

from services import membership
from services.consent import api, subscribers
from services.consent.keystore import FileKeyStore
from services.consent.settings import ConsentSettings
from services.consent.use_cases import asking_in_time, due, obligations
from services.consent.use_cases.custody import Bounds, Custody
from services.membership import MemberCache
from services.runtime.app import Parts, Service


def compose(parts: Parts, settings: ConsentSettings) -> Service:
    """Put consent together from its settings."""
    bounds = Bounds(
        handle_lifetime=timedelta(days=settings.handle_days),
        clock_tolerance=timedelta(seconds=settings.clock_tolerance_seconds),
        answer_within=timedelta(days=settings.answer_days),
        ask_within=timedelta(days=settings.ask_days),
        renew_within=timedelta(days=settings.renew_days),
        review_every=timedelta(days=settings.review_every_days),
    )
    custody = Custody(FileKeyStore(settings.keystore_dir), bounds, parts.clock)

    return Service(
        name="consent",
        routers=[api.router(parts.database, custody)],
        agency_signing_key=membership.signing_keys_in(parts.database),
        handler=subscribers.handler(custody, MemberCache()),
        on_start=custody.open,
        background=(
            partial(due.cover_due, parts.database, custody),
            partial(obligations.notice_overdue, parts.database),
            partial(asking_in_time.remind_and_lapse, parts.database),
            partial(asking_in_time.ask_again, parts.database, custody),
        ),
    )
