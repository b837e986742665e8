"""That an auditor has asked, and what."""

from collections.abc import Mapping
from typing import ClassVar

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.events.base import EventData
from tsunagu_contracts.types import Id, Whole


class QueryAnswered(EventData):
    """An auditor asked under a mandate; `refused` says why nothing was shown, if so."""

    TYPE: ClassVar[str] = "query.answered.v1"

    query_id: Id
    auditor_id: Id
    mandate_id: Id | None
    query: Id
    parameters: Mapping[Id, str]
    rows: Whole
    refused: RefusalCode | None = None
