"""What is left when the story has been told."""

from dataclasses import dataclass

from deploy.demo.story import Told


@dataclass(frozen=True, slots=True)
class Played:
    """What the story was about, and the page on which it was told."""

    told: Told
    page: str
