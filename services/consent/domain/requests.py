"""What is asked of the person's word."""

from dataclasses import dataclass
from datetime import datetime

from tsunagu_contracts.codes import Category, Purpose


@dataclass(frozen=True, slots=True)
class Request:
    """Who would open what, for which purpose, at which moment."""

    category: Category
    recipient: str
    purpose: Purpose
    at: datetime
