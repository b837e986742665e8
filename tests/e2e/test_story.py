"""The two stories: of one sealed referral, and of the person's word."""

import re

from deploy.demo.person import Person
from deploy.demo.telling import NUMERALS
from deploy.network import EmbeddedNetwork
from deploy.sweep.sweeping import Places, sweep, sweep_folders
from tests.e2e.agencies import CLINIC, DESK, folder_of
from tests.e2e.played import Played, PlayedConsent


def marks_of(*persons: Person) -> dict[str, str]:
    """What is personal about the stories' persons, under names that tell nothing."""
    marks = [mark for person in persons for mark in person.marks]
    return {f"mark {number}": mark for number, mark in enumerate(marks)}


def test_the_story_is_told_in_nine_steps(played: Played) -> None:
    """Each of the nine steps is told once and in order, and nothing stops the story before its end."""
    assert re.findall(f"^([{NUMERALS}]) ", played.page, re.MULTILINE) == list(NUMERALS[:9])
    assert "That was the story." in played.page


def test_the_auditor_sees_five_openings_and_two_refusals(played: Played) -> None:
    """Every opening names appointment and statement, every refusal its reason."""
    opened = [access for access in played.told.accesses if access.reason is None]
    refused = [access for access in played.told.accesses if access.reason is not None]
    assert [access.category for access in opened] == ["identity", "contact", "health", "identity", "contact"]
    assert all(access.appointment_id and access.statement_number for access in opened)
    assert [(access.category, access.reason) for access in refused] == [
        ("finance", "no_statement"),
        ("health", "withdrawn_by_person"),
    ]


def test_the_story_of_the_word_is_told_to_its_end(played_consent: PlayedConsent) -> None:
    """Each step is told once and in order, and the record reads at three moments as it was at each."""
    steps = re.findall(f"^([{NUMERALS}]) ", played_consent.page, re.MULTILINE)
    assert steps == list(NUMERALS[: len(steps)])
    assert "That was the story." in played_consent.page
    assert [row.split()[-4:] for row in re.findall(r"^ \d\d:.*$", played_consent.page, re.MULTILINE)] == [
        ["○", "○", "○", "?"],
        ["✗", "✗", "✗", "?"],
        ["○", "○", "○", "?"],
    ]


def test_nothing_of_the_persons_stands_anywhere(played: Played, played_consent: PlayedConsent, places: Places) -> None:
    """No topic, table, log, trace or file of the network or its servers has anything personal, however written."""
    assert sweep(marks_of(played.told.person, *played_consent.told.persons), places) == []


def test_agencies_keep_nothing_of_the_person_either(played: Played, network: EmbeddedNetwork) -> None:
    """Agencies may keep what they sealed or opened; the client that we give them does not."""
    folders = [folder_of(network, agency_id) for agency_id in (CLINIC, DESK)]
    assert all(any(folder.iterdir()) for folder in folders)
    assert sweep_folders(marks_of(played.told.person), folders) == []
