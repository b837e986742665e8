"""What the routes of audit have in common: who calls."""

from typing import Annotated

from fastapi import Depends

from services.runtime.identity import Caller, caller

Calling = Annotated[Caller, Depends(caller)]
