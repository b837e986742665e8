import os
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

from deploy.issuer import GRANT_TYPE, Issuer, create_app, load_key, require_loopback
from tsunagu_contracts.keys import SigningKey

NOW = datetime(2026, 4, 1, 9, 0, tzinfo=UTC)
URL = "http://127.0.0.1:8089"


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return always the same moment."""
        return NOW


class CountingIds:
    """Ids that count up."""

    def __init__(self) -> None:
        self.given = 0

    def new(self) -> str:
        """Return the next id."""
        self.given += 1
        return f"id-{self.given}"


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Talk to an issuer in this process."""
    app = create_app(Issuer(URL, SigningKey.generate(), FixedClock(), CountingIds()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL) as client:
        yield client


async def ask(client: httpx.AsyncClient, subject: str) -> httpx.Response:
    """Ask for a token."""
    return await client.post("/token", data={"grant_type": GRANT_TYPE, "subject": subject})


@pytest.mark.parametrize("subject", ["coordinator:c-0001", "auditor:au-0001"])
async def test_a_token_says_who_it_is_for_five_minutes(client: httpx.AsyncClient, subject: str) -> None:
    """A token names issuer, subject and audience, is checked with the published key and lives 300 seconds."""
    answer = await ask(client, subject)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    keys = (await client.get("/jwks")).json()["keys"]
    token = jwt.decode(answer.json()["access_token"], ECKey.import_key(keys[0]), algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "kid": keys[0]["kid"], "typ": "JWT"}
    start = int(NOW.timestamp())
    assert token.claims == {
        "iss": URL,
        "sub": subject,
        "aud": "tsunagu",
        "iat": start,
        "exp": start + 300,
        "jti": "id-1",
    }


async def test_discovery_leads_to_the_keys_and_the_token_endpoint(client: httpx.AsyncClient) -> None:
    """The discovery document names the issuer as tokens do, and addresses that answer."""
    found = (await client.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == URL
    assert (await client.get(found["jwks_uri"])).status_code == 200
    assert "d" not in (await client.get(found["jwks_uri"])).json()["keys"][0]
    assert (await client.post(found["token_endpoint"])).status_code == 400


@pytest.mark.parametrize(
    "subject", ["", "c-0001", "system:referral", "person", "timer", "coordinator:", "coordinator:C 1"]
)
async def test_only_named_people_get_tokens(client: httpx.AsyncClient, subject: str) -> None:
    """Systems, timers and what is no actor get an error and no token."""
    answer = await ask(client, subject)
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_request"


async def test_another_grant_is_refused(client: httpx.AsyncClient) -> None:
    """Only the development grant is offered."""
    answer = await client.post("/token", data={"grant_type": "password", "subject": "coordinator:c-0001"})
    assert answer.json()["error"] == "unsupported_grant_type"


@pytest.mark.parametrize(
    "body",
    [b"\xff=\xff", b"&".join(b"a%d=1" % n for n in range(50)), b"grant_type=" + b"x" * 10_000, b""],
    ids=["not ascii", "many fields", "oversize", "empty"],
)
async def test_a_bad_form_gets_an_error(client: httpx.AsyncClient, body: bytes) -> None:
    """Whatever is no small form is answered with an OAuth error."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await client.post("/token", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == "unsupported_grant_type"


async def test_a_request_under_another_name_is_refused(client: httpx.AsyncClient) -> None:
    """A web page that has pointed its own name at this machine gets nothing."""
    answer = await client.get("/jwks", headers={"host": "issuer.example"})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.1", "::1", "localhost"])
def test_loopback_is_accepted(host: str) -> None:
    """Addresses of this machine alone are fine."""
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "issuer.example", ""])  # noqa: S104
def test_the_program_refuses_to_listen_beyond_loopback(host: str, tmp_path: Path) -> None:
    """Told to listen where others could reach it, the issuer ends with status 2 and makes no key."""
    ended = subprocess.run(
        [sys.executable, "-m", "deploy.issuer"],
        env=os.environ | {"TSUNAGU_HTTP_HOST": host, "TSUNAGU_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "loopback only" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_kept(tmp_path: Path) -> None:
    """The issuer signs with the same key after a restart, kept where only its owner reads it."""
    first = load_key(tmp_path)
    assert load_key(tmp_path).public == first.public
    assert (tmp_path / "issuer" / "key.json").stat().st_mode & 0o777 == 0o600
