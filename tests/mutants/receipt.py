"""The guards of receipts and of the person's own door: what opens it, how often one may guess, what is never shown."""

from tests.mutants.guards import Mutant

RECEIPTS = "tests/service/consent/test_receipts.py"
VIEWS = "tests/service/consent/test_views.py"
DOOR = "services/consent/use_cases/door.py"
VISITOR = "services/consent/domain/receipts.py"

RECEIPT = (
    Mutant(
        "a secret may be guessed for ever",
        "services/consent/storage/receipts.py",
        "    WHERE receipt_id = :receipt_id AND (locked_until IS NULL OR locked_until <= :now)\n",
        "    WHERE receipt_id = :receipt_id AND (true OR locked_until <= :now)\n",
        (RECEIPTS,),
    ),
    Mutant(
        "codes may be guessed for ever",
        DOOR,
        "count_wrong(session, now) > custody.bounds.door.wrong_a_minute\n",
        "count_wrong(session, now) > 1_000_000\n",
        (RECEIPTS,),
    ),
    Mutant(
        "a revoked receipt opens",
        VISITOR,
        "        return self.revoked_at is None and at < self.ends_at\n",
        "        return at < self.ends_at\n",
        (RECEIPTS,),
    ),
    Mutant(
        "a receipt that has ended opens",
        VISITOR,
        "        return self.revoked_at is None and at < self.ends_at\n",
        "        return self.revoked_at is None\n",
        (RECEIPTS,),
    ),
    Mutant(
        "any secret is right",
        DOOR,
        "    except InvalidKey:\n        return False\n",
        "    except InvalidKey:\n        return True\n",
        (RECEIPTS,),
    ),
    Mutant(
        "the code alone lets view",
        "services/consent/use_cases/visits.py",
        "    if not visiting.may_view:\n        raise",
        "    if False:\n        raise",
        (VIEWS,),
    ),
    Mutant(
        "whoever has the code sets the secret",
        DOOR,
        "    if not visiting.may_view:\n        typed",
        "    if False:\n        typed",
        (RECEIPTS,),
    ),
    Mutant(
        "the permission to set a secret is good for many",
        "services/consent/storage/receipts.py",
        "secret = :secret, permission_hash = NULL WHERE",
        "secret = :secret WHERE",
        (RECEIPTS,),
    ),
    Mutant(
        "the permission to set a secret is good for ever",
        "services/consent/storage/receipts.py",
        " AND permission_until > :now\n",
        " AND (true OR permission_until > :now)\n",
        (RECEIPTS,),
    ),
    Mutant(
        "tokens stay when the secret changes",
        DOOR,
        "    await person_tokens.forget(work.session, receipt.receipt_id)\n",
        "",
        (RECEIPTS,),
    ),
    Mutant(
        "a person's token is good for ever",
        "services/consent/storage/person_tokens.py",
        "    WHERE token_hash = :token_hash AND expires_at > :now\n",
        "    WHERE token_hash = :token_hash AND (true OR expires_at > :now)\n",
        (RECEIPTS,),
    ),
    Mutant(
        "a code may stand in an address",
        "services/consent/api/person.py",
        "    if request.url.query:\n",
        "    if False:\n",
        (RECEIPTS,),
    ),
    Mutant(
        "an agency revokes another person's receipt",
        "services/consent/use_cases/receipts.py",
        "    if found is None or found.record_id not in group.records:\n",
        "    if found is None:\n",
        (RECEIPTS,),
    ),
    Mutant(
        "a representative withdraws beyond their scope",
        VISITOR,
        "            spoken_for.check_speaking(categories, purposes, at)\n",
        "            pass\n",
        (RECEIPTS,),
    ),
    Mutant(
        "a receipt outlives the representation",
        DOOR,
        " if spoken_for and spoken_for.may_speak(now) else None\n",
        "\n",
        (RECEIPTS,),
    ),
    Mutant(
        "the rest of a referral with a matter of safety is shown",
        "services/consent/storage/viewing.py",
        "    NOT EXISTS (SELECT 1 FROM sections",
        "    true OR NOT EXISTS (SELECT 1 FROM sections",
        (VIEWS,),
    ),
    Mutant(
        "what was said of a matter of safety is shown",
        VISITOR,
        "self.receipt.hidden | Hidden(SHOWN_IN_PERSON)\n",
        "self.receipt.hidden\n",
        (VIEWS,),
    ),
    Mutant(
        "what the person wants to see in person is shown",
        VISITOR,
        "self.receipt.hidden | Hidden(SHOWN_IN_PERSON)\n",
        "Hidden(SHOWN_IN_PERSON)\n",
        (VIEWS,),
    ),
    Mutant(
        "representatives see what the person hides from them",
        VISITOR,
        "        return always | from_representatives | Hidden(beyond)\n",
        "        return always | Hidden(beyond)\n",
        (VIEWS,),
    ),
    Mutant(
        "representatives see beyond their scope",
        VISITOR,
        "        return always | from_representatives | Hidden(beyond)\n",
        "        return always | from_representatives\n",
        (VIEWS,),
    ),
    Mutant(
        "a representative sets what representatives see",
        "services/consent/use_cases/visits.py",
        "    if visiting.representative is not None:\n        raise",
        "    if False:\n        raise",
        (VIEWS,),
    ),
)
"""Mutants of receipts."""
