"""What was said, in formats that others read."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from services.consent.api.parts import Calling
from services.consent.domain.exports import dpv, fhir
from services.consent.use_cases import exports
from services.consent.use_cases.custody import Custody
from services.eventing.database import Database
from tsunagu_contracts.types import Id

Format = Annotated[Literal["fhir", "dpv"], Query(alias="format")]


def router(database: Database, custody: Custody) -> APIRouter:
    """Give out statements."""
    routes = APIRouter()

    @routes.get("/statements/{statement_id}", response_class=JSONResponse)
    async def export_statement(calling: Calling, statement_id: Id, format_: Format = "fhir") -> JSONResponse:
        """A statement as FHIR R4 Consent or as an ISO/IEC TS 27560 record, for a party of its referral."""
        async with database.reading() as session:
            exported = await exports.for_party(session, calling, statement_id, custody)
        document, media_type = (
            (fhir.consent(exported), fhir.MEDIA_TYPE) if format_ == "fhir" else (dpv.record(exported), dpv.MEDIA_TYPE)
        )
        return JSONResponse(document, media_type=media_type, headers={"Cache-Control": "no-store"})

    return routes
