"""Every route of every service asks who calls, whatever else is wrong with the request."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from deploy.network import ISSUER, EmbeddedNetwork
from tests.e2e.agencies import CLINIC, keys_of
from tsunagu_contracts import jose
from tsunagu_contracts.assertions import ASSERTION_TYP, sign_assertion
from tsunagu_contracts.encoding import to_base64url
from tsunagu_contracts.keys import SigningKey
from tsunagu_contracts.ports import Uuid7Ids
from tsunagu_contracts.topics import SERVICES

IDS = Uuid7Ids()
OPEN = ("/health/live", "/health/ready", "/person/tokens")
"""Health, and the person's own door: whoever comes there has a receipt's code, and no token yet."""


def claims(**changed: object) -> dict[str, object]:
    """The claims of a good assertion of the clinic's system, with some of them changed; None leaves one out."""
    now = int(datetime.now(UTC).timestamp())
    good = {"iss": CLINIC, "sub": f"system:{CLINIC}", "aud": "tsunagu", "iat": now, "exp": now + 60, "jti": IDS.new()}
    return {name: value for name, value in (good | changed).items() if value is not None}


def signed(key: SigningKey, **changed: object) -> str:
    """A token with those claims, signed with this key."""
    return jose.sign(json.dumps(claims(**changed)).encode(), key, typ=ASSERTION_TYP)


def unsigned(network: EmbeddedNetwork) -> str:
    """A token that names no algorithm and bears no signature."""
    head = to_base64url(json.dumps({"alg": "none", "typ": "JWT"}).encode())
    return f"{head}.{to_base64url(json.dumps(claims()).encode())}."


def past(network: EmbeddedNetwork) -> str:
    """A token that was good an hour ago."""
    then = datetime.now(UTC) - timedelta(hours=1)
    return sign_assertion(CLINIC, f"system:{CLINIC}", keys_of(network, CLINIC), now=then, ids=IDS)


def far_ahead() -> int:
    """A moment beyond the longest life of a token."""
    return int((datetime.now(UTC) + timedelta(days=1)).timestamp())


BAD_TOKENS: dict[str, Callable[[EmbeddedNetwork], str]] = {
    "none": lambda network: "",
    "no JWT": lambda network: "Bearer open-sesame",
    "another scheme": lambda network: f"Basic {signed(keys_of(network, CLINIC))}",
    "expired": lambda network: f"Bearer {past(network)}",
    "another audience": lambda network: f"Bearer {signed(keys_of(network, CLINIC), aud='elsewhere')}",
    "no audience": lambda network: f"Bearer {signed(keys_of(network, CLINIC), aud=None)}",
    "too long a life": lambda network: f"Bearer {signed(keys_of(network, CLINIC), exp=far_ahead())}",
    "a key that is not registered": lambda network: f"Bearer {signed(SigningKey.generate())}",
    "an agency that is not registered": lambda network: f"Bearer {signed(SigningKey.generate(), iss='nobody')}",
    "another agency's system": lambda network: f"Bearer {signed(keys_of(network, CLINIC), sub='system:chiyoda-npo-a')}",
    "a person's token of one's own making": lambda network: (
        f"Bearer {signed(SigningKey.generate(), iss=network.address(ISSUER), sub='coordinator:c-0001')}"
    ),
    "a person vouched for by an agency as the issuer": lambda network: (
        f"Bearer {signed(keys_of(network, CLINIC), iss=network.address(ISSUER), sub='coordinator:c-0001')}"
    ),
    "no signature": lambda network: f"Bearer {unsigned(network)}",
}


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """A client of nobody in particular."""
    with httpx.Client(timeout=20) as client:
        yield client


def routes(network: EmbeddedNetwork, service: str, http: httpx.Client) -> list[tuple[str, str]]:
    """Every method and path that a service describes, with some id in the place of each parameter."""
    token = signed(keys_of(network, CLINIC))
    answer = http.get(f"{network.address(service)}/openapi.json", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    described = answer.json()["paths"]
    return [
        (method.upper(), "/".join(IDS.new() if part.startswith("{") else part for part in path.split("/")))
        for path, operations in described.items()
        for method in operations
    ]


@pytest.mark.parametrize("kind", BAD_TOKENS)
@pytest.mark.parametrize("service", SERVICES)
def test_no_route_but_health_answers_a_stranger(
    network: EmbeddedNetwork, http: httpx.Client, service: str, kind: str
) -> None:
    """Without a token that holds now, every route says 401 as a problem, before it looks at anything else."""
    closed = [("GET", "/openapi.json"), *routes(network, service, http)]
    assert len(closed) > len(OPEN) + 1
    authorization = BAD_TOKENS[kind](network)
    for method, path in closed:
        if path in OPEN:
            continue
        answer = http.request(
            method,
            f"{network.address(service)}{path}",
            headers={"Authorization": authorization} if authorization else {},
            content=b"{not json" if method in ("POST", "PUT") else b"",
        )
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        # A person's token is opaque: an agency's that has expired is like any other that is none.
        of_agencies = not path.startswith("/person/")
        expected = "token_expired" if kind == "expired" and of_agencies else "unauthenticated"
        assert answer.json()["code"] == expected, (method, path)


@pytest.mark.parametrize("service", SERVICES)
def test_health_tells_a_stranger_numbers_only(network: EmbeddedNetwork, http: httpx.Client, service: str) -> None:
    """The two open routes need no token, and tell no id, no address and no text of anybody."""
    live = http.get(f"{network.address(service)}/health/live")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    ready = http.get(f"{network.address(service)}/health/ready").json()
    assert all(isinstance(value, bool | int | float) for value in ready.values()), ready


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/metrics", "/"])
@pytest.mark.parametrize("service", SERVICES)
def test_nothing_else_is_served(network: EmbeddedNetwork, http: httpx.Client, service: str, path: str) -> None:
    """What frameworks like to add by themselves is not there."""
    assert http.get(f"{network.address(service)}{path}").status_code == 404
