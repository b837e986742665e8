"""Settings of `referral`, from the environment."""

import json
from datetime import timedelta
from pathlib import Path

from pydantic import Field

from services.runtime.settings import ServiceSettings
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import PublicKey
from tsunagu_contracts.limits import DEFAULT_LIMITS, Limits


class ReferralSettings(ServiceSettings):
    """Beside what every service has: how large messages may be (bytes), and how long bodies outlive a referral."""

    body_limit: int = Field(default=DEFAULT_LIMITS.body, gt=0)
    message_limit: int = Field(default=DEFAULT_LIMITS.message, gt=0)
    bodies_kept_days: float = Field(default=30, ge=0)

    @property
    def limits(self) -> Limits:
        """The limits for agencies' messages."""
        return Limits(body=self.body_limit, message=self.message_limit)

    @property
    def bodies_kept(self) -> timedelta:
        """How long bodies are kept after their referral has closed."""
        return timedelta(days=self.bodies_kept_days)


def handles_key(trust_file: Path) -> PublicKey:
    """Read the key that certifies handles; refuses with `key_malformed` a file without one."""
    content: object = json.loads(trust_file.read_text(encoding="utf-8"))
    jwk = content.get("handles") if isinstance(content, dict) else None
    if not isinstance(jwk, dict):
        raise Refusal(RefusalCode.KEY_MALFORMED, file="trust")
    return PublicKey.from_jwk(jwk)
