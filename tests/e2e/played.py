"""What is left when a story has been told."""

from dataclasses import dataclass

from deploy.demo import consent_story, story


@dataclass(frozen=True, slots=True)
class Played:
    """What the story was about, and the page on which it was told."""

    told: story.Told
    page: str


@dataclass(frozen=True, slots=True)
class PlayedConsent:
    """Whom the story of the person's word was about, and the page on which it was told."""

    told: consent_story.Told
    page: str
