"""The story of one sealed referral, from an empty network to its outcome."""

import re

from deploy.demo.telling import NUMERALS
from deploy.network import EmbeddedNetwork
from deploy.sweep.sweeping import Places, sweep, sweep_folders
from tests.e2e.agencies import CLINIC, DESK, folder_of
from tests.e2e.played import Played


def marks_of(played: Played) -> dict[str, str]:
    """What is personal about the story's person, under names that tell nothing."""
    return {f"mark {number}": mark for number, mark in enumerate(played.told.person.marks)}


def test_the_story_is_told_in_nine_steps(played: Played) -> None:
    """Each of the nine steps is told once and in order, and nothing stops the story before its end."""
    assert re.findall(f"^([{NUMERALS}]) ", played.page, re.MULTILINE) == list(NUMERALS)
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


def test_nothing_of_the_person_stands_anywhere(played: Played, places: Places) -> None:
    """No topic, table, log, trace or file of the network or its servers has anything personal, however written."""
    assert sweep(marks_of(played), places) == []


def test_agencies_keep_nothing_of_the_person_either(played: Played, network: EmbeddedNetwork) -> None:
    """Agencies may keep what they sealed or opened; the client that we give them does not."""
    folders = [folder_of(network, agency_id) for agency_id in (CLINIC, DESK)]
    assert all(any(folder.iterdir()) for folder in folders)
    assert sweep_folders(marks_of(played), folders) == []
