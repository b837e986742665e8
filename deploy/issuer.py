"""A development issuer of sign-in tokens for people, in the shape of OpenID Connect; loopback only.

It asks for no password: whoever reaches it may be anybody. It therefore refuses every address but this
machine's own, and answers only requests that name such an address (a web page cannot reach it by a name
that it has pointed here). In earnest any OpenID Connect provider takes its place.

`python -m deploy.issuer` reads TSUNAGU_HTTP_HOST (127.0.0.1), TSUNAGU_HTTP_PORT (8089), TSUNAGU_ISSUER_URL
(http://<host>:<port>) and TSUNAGU_DATA (.tsunagu), where its signing key is kept.
"""

import ipaddress
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs

import uvicorn
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from joserfc import jwt
from joserfc.jwk import ECKey
from starlette.middleware.trustedhost import TrustedHostMiddleware

from deploy.demo import private_files
from tsunagu_contracts.actors import Actor, ActorKind
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.keys import SigningKey
from tsunagu_contracts.ports import Clock, Ids, SystemClock, Uuid7Ids

AUDIENCE = "tsunagu"
LIFETIME = timedelta(minutes=5)
"""How long a token is valid."""

GRANT_TYPE = "urn:tsunagu:grant-type:development"
"""The one grant: a subject is named and believed."""

_PEOPLE = frozenset({ActorKind.COORDINATOR, ActorKind.AUDITOR, ActorKind.OPERATOR})
_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 4096


class NotLoopbackError(ValueError):
    """The issuer was told to listen where others could reach it."""


class Issuer:
    """Signs short-lived tokens that say who someone is."""

    def __init__(self, url: str, key: SigningKey, clock: Clock, ids: Ids) -> None:
        self.url = url
        self._key = key
        self._clock = clock
        self._ids = ids

    def token(self, subject: str) -> str:
        """Make a token (JWT, ES256) for `coordinator:<id>`, `auditor:<id>` or `operator:<id>`.

        Refuses with `actor_mismatch` what is no such actor.
        """
        actor = Actor.parse(subject)
        if actor.kind not in _PEOPLE:
            raise Refusal(RefusalCode.ACTOR_MISMATCH)
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": self.url,
            "sub": str(actor),
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + int(LIFETIME.total_seconds()),
            "jti": self._ids.new(),
        }
        header = {"alg": "ES256", "kid": self._key.public.kid, "typ": "JWT"}
        return jwt.encode(header, claims, ECKey.import_key(self._key.native), algorithms=["ES256"])

    def configuration(self) -> dict[str, object]:
        """Return the discovery document (OpenID Connect Discovery 1.0, section 3)."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint": f"{self.url}/token",
            "grant_types_supported": [GRANT_TYPE],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": ["none"],
        }

    def jwks(self) -> dict[str, object]:
        """Return the public key with which tokens are checked (RFC 7517 section 5)."""
        return {"keys": [self._key.public.jwk() | {"alg": "ES256"}]}


def require_loopback(host: str) -> None:
    """Raise `NotLoopbackError` unless `host` is an address that only this machine reaches."""
    if host == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise NotLoopbackError(
            f"the development issuer believes whoever asks, so it listens on loopback only, not on {host!r}; "
            "use 127.0.0.1, or a real OpenID Connect provider"
        )


def load_key(data: Path) -> SigningKey:
    """Read the issuer's key below the data folder, making it at the first run."""
    path = data / "issuer" / "key.json"
    private_files.write_once(path, SigningKey.generate().private_jwk())
    return SigningKey.from_jwk(private_files.read(path))


def create_app(issuer: Issuer) -> FastAPI:
    """Make the web application: discovery, key set and the token endpoint."""
    app = FastAPI(title="Tsunagu development issuer", version="0.1.0", docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "[::1]"])

    @app.get("/.well-known/openid-configuration")
    async def configuration() -> dict[str, object]:
        """Describe this issuer."""
        return issuer.configuration()

    @app.get("/jwks")
    async def jwks() -> dict[str, object]:
        """List the public key."""
        return issuer.jwks()

    @app.post("/token")
    async def token(form: Annotated[dict[str, str], Depends(_form)]) -> JSONResponse:
        """Issue a token for the subject named.

        Form: `grant_type`, `subject`; errors as in RFC 6749 section 5.2.
        """
        if form.get("grant_type") != GRANT_TYPE:
            return _error("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}")
        try:
            signed = issuer.token(form.get("subject", ""))
        except Refusal:
            return _error("invalid_request", "subject must be coordinator:<id>, auditor:<id> or operator:<id>")
        answer = {"access_token": signed, "token_type": "Bearer", "expires_in": int(LIFETIME.total_seconds())}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return app


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _LARGEST_FORM:
            return {}
    try:
        values = parse_qs(raw.decode("ascii"), max_num_fields=8)
    except ValueError:
        return {}
    return {name: value[0] for name, value in values.items() if len(value) == 1}


def _error(code: str, description: str) -> JSONResponse:
    return JSONResponse(
        {"error": code, "error_description": description},
        status_code=400,
        headers={"Cache-Control": "no-store"},
    )


def main() -> int:
    """Serve until interrupted; ends with status 2, and says why, when told to listen beyond loopback."""
    host = os.environ.get("TSUNAGU_HTTP_HOST", "127.0.0.1")
    port = int(os.environ.get("TSUNAGU_HTTP_PORT", "8089"))
    try:
        require_loopback(host)
    except NotLoopbackError as error:
        print(f"issuer: {error}", file=sys.stderr)
        return 2
    named = f"[{host}]" if ":" in host else host
    url = os.environ.get("TSUNAGU_ISSUER_URL", f"http://{named}:{port}").rstrip("/")
    key = load_key(Path(os.environ.get("TSUNAGU_DATA", ".tsunagu")))
    issuer = Issuer(url, key, SystemClock(), Uuid7Ids())
    uvicorn.run(create_app(issuer), host=host, port=port, log_level="warning", access_log=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
