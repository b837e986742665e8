"""Calls to the network's services: each with a short-lived token, each answer or problem as a value."""

from collections.abc import Mapping

import httpx
from opentelemetry.propagate import inject

from tsunagu_agency.configuration import Network
from tsunagu_agency.errors import ProblemError, UnreachableError
from tsunagu_agency.keystore import Keystore
from tsunagu_agency.outgoing import ActingCoordinator
from tsunagu_contracts.assertions import sign_assertion
from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.ports import Clock, Ids

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class Services:
    """The services over HTTP, as one agency calls them."""

    def __init__(
        self,
        keystore: Keystore,
        network: Network,
        *,
        clock: Clock,
        ids: Ids,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._keystore = keystore
        self._network = network
        self._clock = clock
        self._ids = ids
        self._http = httpx.AsyncClient(timeout=_TIMEOUT, transport=transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, service: str, path: str, *, by: ActingCoordinator | None = None) -> dict[str, object]:
        """Read something; `by` None asks in the name of the agency's system.

        Raises `ProblemError` when the service refuses and `UnreachableError` when it does not answer.
        """
        return await self._call(service, "GET", path, by, {}, b"")

    async def post(
        self,
        service: str,
        path: str,
        content: bytes,
        *,
        by: ActingCoordinator | None = None,
        idempotency_key: str | None = None,
        media_type: str = "application/json",
    ) -> dict[str, object]:
        """Write something, under a new Idempotency-Key unless one is given; raises as `get` does."""
        headers = {
            "Content-Type": media_type,
            "Idempotency-Key": idempotency_key or self._ids.new(),
        }
        return await self._call(service, "POST", path, by, headers, content)

    async def fetch(self, service: str, path: str, *, by: ActingCoordinator, limit: int) -> bytes:
        """Read something that is no JSON; raises as `get`, and refuses with `oversize` more than `limit` bytes."""
        headers = {"Authorization": f"Bearer {self._token(by)}"}
        inject(headers)
        read = bytearray()
        try:
            async with self._http.stream("GET", self._network.address(service) + path, headers=headers) as answer:
                if not answer.is_success:
                    await answer.aread()
                    raise ProblemError.of(answer.status_code, _object(answer) or {})
                async for piece in answer.aiter_bytes():
                    read += piece
                    if len(read) > limit:
                        raise Refusal(RefusalCode.OVERSIZE, part="evidence")
        except httpx.HTTPError as error:
            raise UnreachableError(service, type(error).__name__) from None
        return bytes(read)

    async def _call(
        self,
        service: str,
        method: str,
        path: str,
        by: ActingCoordinator | None,
        headers: Mapping[str, str],
        content: bytes,
    ) -> dict[str, object]:
        sent = {"Authorization": f"Bearer {self._token(by)}", **headers}
        inject(sent)
        try:
            answer = await self._http.request(
                method, self._network.address(service) + path, headers=sent, content=content
            )
        except httpx.HTTPError as error:
            raise UnreachableError(service, type(error).__name__) from None
        read = _object(answer)
        if answer.is_success and read is not None:
            return read
        raise ProblemError.of(answer.status_code, read or {})

    def _token(self, by: ActingCoordinator | None) -> str:
        if by is not None and by.token is not None:
            return by.token
        agency_id = self._keystore.agency_id
        subject = f"system:{agency_id}" if by is None else by.actor
        return sign_assertion(agency_id, subject, self._keystore.signing, now=self._clock.now(), ids=self._ids)


def _object(answer: httpx.Response) -> dict[str, object] | None:
    try:
        value: object = answer.json()
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
