"""Every guard that a mutant takes out: where it stands, what is left without it, and which tests must notice."""

from dataclasses import dataclass

EVENTING = "tests/service/eventing"
CONSENT = "tests/service/consent"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One guard: `guard` stands exactly once in `file` and is replaced by `without`."""

    name: str
    file: str
    guard: str
    without: str
    tests: tuple[str, ...]


GUARDS = (
    # No key without consent; no release without a record.
    Mutant(
        "release without coverage",
        "services/consent/domain/releases.py",
        "    if not decision.permit:\n",
        "    if False:\n",
        (f"{CONSENT}/test_releases.py",),
    ),
    Mutant(
        "release by a non-addressee",
        "services/consent/domain/releases.py",
        "    if asker.agency_id != referral.addressee:\n",
        "    if False:\n",
        (f"{CONSENT}/test_releases.py",),
    ),
    Mutant(
        "release of a closed referral",
        "services/consent/domain/releases.py",
        "    if referral.is_closed:\n",
        "    if False:\n",
        (f"{CONSENT}/test_releases.py",),
    ),
    Mutant(
        "release without an appointment",
        "services/consent/domain/releases.py",
        "    if asker.appointment_refusal is not None:\n",
        "    if False:\n",
        (f"{CONSENT}/test_releases.py",),
    ),
    Mutant(
        "release record outside the transaction",
        "services/consent/api/keys.py",
        """        outcome = await database.at_once(partial(releases.decide, prepared=prepared, custody=custody))
        # Only here, where the transaction has committed, may the key leave.
        key = releases.hand_over(prepared, outcome)
""",
        """        async with database.work() as work:
            outcome = await releases.decide(work, prepared, custody)
            key = releases.hand_over(prepared, outcome)
            return ReleaseAnswer(
                release_id=outcome.release_id,
                referral_id=wanted.referral_id,
                section_id=wanted.section_id,
                key=key,
            )
""",
        (f"{CONSENT}/test_release_transaction.py", f"{CONSENT}/test_releases.py"),
    ),
    # A batch reads unlocked: what comes in before it writes is noticed.
    Mutant(
        "a number taken twice",
        "services/consent/storage/persons.py",
        "    WHERE persons.record_id = now.record_id AND persons.number = now.before\n",
        "    WHERE persons.record_id = now.record_id\n",
        (f"{CONSENT}/test_between_read_and_write.py",),
    ),
    Mutant(
        "a handle for two referrals at once",
        "services/consent/storage/handles.py",
        "    WHERE handles.handle_id = used.handle_id AND handles.referral_id IS NULL\n",
        "    WHERE handles.handle_id = used.handle_id\n",
        (f"{CONSENT}/test_between_read_and_write.py",),
    ),
    Mutant(
        "a content key for two sections at once",
        "services/consent/storage/handles.py",
        "        work.later(_REMEMBER_KEYS, seen, touches=len(hashes))\n",
        "        work.later(_REMEMBER_KEYS, seen)\n",
        (f"{CONSENT}/test_between_read_and_write.py",),
    ),
    Mutant(
        "a transaction that reads without locks",
        "services/consent/storage/intake.py",
        "    if work.locks:\n",
        "    if False:\n",
        (f"{CONSENT}/test_between_read_and_write.py",),
    ),
    Mutant(
        "persons' rows before referrals' rows",
        "services/consent/use_cases/submissions.py",
        "known=len(known.referral_ids))\n",
        "known=None)\n",
        (f"{CONSENT}/test_between_read_and_write.py",),
    ),
    # Order, and a bad message stops nobody else.
    Mutant(
        "an event that audit cannot read takes its batch with it",
        "services/audit/use_cases/keeping.py",
        "            return await _read(work, events)\n    except Exception as error:\n        if is_passing(error):\n",
        "            return await _read(work, events)\n    except Exception as error:\n        if error:\n",
        ("tests/service/test_audit_batches.py",),
    ),
    # A sender is who it says; the actor is who the token says, under an appointment.
    Mutant(
        "signature unchecked",
        "contracts/tsunagu_contracts/jose.py",
        "    if not genuine:\n",
        "    if False:\n",
        ("tests/unit/contracts",),
    ),
    Mutant(
        "appointment unchecked",
        "services/membership/facts.py",
        "    if not appointment.holds(at):\n",
        "    if False:\n",
        ("tests/unit/membership", f"{CONSENT}/test_releases.py"),
    ),
    Mutant(
        "another's appointment accepted",
        "services/membership/facts.py",
        "    if (appointment.coordinator_id, appointment.agency_id) != (coordinator_id, agency_id):\n",
        "    if False:\n",
        ("tests/unit/membership",),
    ),
    Mutant(
        "actor need not be the token's",
        "services/referral/domain/checking.py",
        "    if incoming.actor is not None and manifest.actor != str(incoming.actor):\n",
        "    if False:\n",
        ("tests/service/test_referral_http.py",),
    ),
    Mutant(
        "mandate unchecked",
        "services/audit/domain/mandates.py",
        "    if question.referral_id is not None and not (referral and _covers(mandate, referral)):\n",
        "    if False:\n",
        ("tests/unit/audit",),
    ),
    Mutant(
        "ACLs off",
        "deploy/embedded/kafka.py",
        '"allow.everyone.if.no.acl.found": "false"',
        '"allow.everyone.if.no.acl.found": "true"',
        ("tests/infra/test_provisioning.py",),
    ),
    Mutant(
        "an agency may read every inbound topic",
        "contracts/tsunagu_contracts/topics.py",
        'AclRule(principal, "READ", "TOPIC", agency_inbound(agency_id))',
        'AclRule(principal, "READ", "TOPIC", "agency.", "PREFIXED")',
        ("tests/infra/test_provisioning.py",),
    ),
    # Sealing: what differs from the manifest, or is not exactly of our profile, is refused.
    Mutant(
        "another agency's handle accepted",
        "contracts/tsunagu_contracts/handles.py",
        "    if certificate.agency_id != agency_id:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_handles.py",),
    ),
    Mutant(
        "an expired handle accepted",
        "contracts/tsunagu_contracts/handles.py",
        "    if now >= certificate.expires_at:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_handles.py",),
    ),
    Mutant(
        "a capsule of another sender accepted",
        "contracts/tsunagu_contracts/sealing.py",
        "    if capsule.sender != sender:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_sealing.py",),
    ),
    Mutant(
        "a capsule with another category accepted",
        "contracts/tsunagu_contracts/sealing.py",
        "    if held.category is not section.category:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_sealing.py",),
    ),
    Mutant(
        "a capsule with another digest accepted",
        "contracts/tsunagu_contracts/sealing.py",
        "    if held.digest != section.digest:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_sealing.py",),
    ),
    Mutant(
        "one content key for two sections accepted",
        "contracts/tsunagu_contracts/sealing.py",
        "    if uses_of_key > 1:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_sealing.py",),
    ),
    Mutant(
        "a body that is not the manifest's accepted",
        "contracts/tsunagu_contracts/messages.py",
        "        if digest(body) != section.digest:\n",
        "        if False:\n",
        ("tests/unit/contracts/test_messages.py",),
    ),
    Mutant(
        "JSON serialisation accepted",
        "contracts/tsunagu_contracts/jose.py",
        '    if token.lstrip()[:1] in ("{", "["):\n',
        "    if False:\n",
        ("tests/unit/contracts/test_jose.py",),
    ),
    Mutant(
        "any algorithm accepted",
        "contracts/tsunagu_contracts/jose.py",
        "        if header.get(name) != value:\n",
        "        if False:\n",
        ("tests/unit/contracts/test_jose.py",),
    ),
    Mutant(
        "a signature of any length accepted",
        "contracts/tsunagu_contracts/jose.py",
        "    if len(signature) != 64:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_jose.py",),
    ),
    Mutant(
        "a tag, nonce or content key of any length accepted",
        "contracts/tsunagu_contracts/jose.py",
        "    if (len(content_key), len(nonce), len(tag)) != (CONTENT_KEY_BYTES, _NONCE_BYTES, _TAG_BYTES):\n",
        "    if False:\n",
        ("tests/unit/contracts/test_jose.py",),
    ),
    Mutant(
        "JSON that says a thing twice accepted",
        "contracts/tsunagu_contracts/strict_json.py",
        "        if isinstance(value, dict) and to_json(value) == raw:\n",
        "        if isinstance(value, dict):\n",
        ("tests/unit/contracts/test_strict_json.py",),
    ),
    Mutant(
        "any header accepted",
        "contracts/tsunagu_contracts/jose.py",
        "    if header.keys() != names:\n",
        "    if False:\n",
        ("tests/unit/contracts/test_jose.py",),
    ),
    Mutant(
        "an assertion longer than five minutes accepted",
        "contracts/tsunagu_contracts/assertions.py",
        "    if claims.exp - claims.iat > MAX_LIFETIME.total_seconds():\n",
        "    if False:\n",
        ("tests/unit/contracts/test_assertions.py",),
    ),
    # Nothing takes effect twice, also for agencies and coordinators.
    Mutant(
        "other content under a used message id accepted",
        "services/referral/use_cases/messages.py",
        "        if earlier.digest != one.digest:\n",
        "        if False:\n",
        ("tests/service/test_referral_messages.py",),
    ),
    Mutant(
        "a queued message counts as sent before Kafka has it",
        "agency/tsunagu_agency/queue.py",
        """                await self.client.publish(message)
                # A crash before the next line sends the message again; a crash never skips one.
                await self._in_thread(self._file.note_published, message.message_id)
""",
        """                await self._in_thread(self._file.note_published, message.message_id)
                await self.client.publish(message)
""",
        ("tests/unit/agency/test_agency_queue.py",),
    ),
    Mutant(
        "two programs send from one queue at once",
        "agency/tsunagu_agency/queue.py",
        "                if not await self._in_thread(self._file.claim):\n",
        "                if False:\n",
        ("tests/unit/agency/test_agency_queue.py",),
    ),
    Mutant(
        "a coordinator is told twice",
        "services/notify/use_cases.py",
        "    if work.locks:\n        due = list(await storage.untold(work, due))\n",
        "",
        ("tests/service/test_notify_telling.py",),
    ),
    Mutant(
        "an Idempotency-Key serves another request",
        "services/runtime/idempotency.py",
        "    if row.request != fingerprint:\n",
        "    if False:\n",
        (f"{CONSENT}/test_handles.py",),
    ),
)
