"""The stories, played once for all tests that look at what it leaves."""

import io

import pytest
from rich.console import Console

from deploy.demo import consent_story, story
from deploy.network import EmbeddedNetwork
from deploy.sweep.sweeping import Places
from tests.e2e.played import Played, PlayedConsent
from tests.infra.infrastructure import Infrastructure
from tsunagu_contracts.topics import SERVICES


@pytest.fixture(scope="session")
def played(network: EmbeddedNetwork) -> Played:
    """The first story as it was told on the network of this run."""
    page = io.StringIO()
    told = story.play(network, Console(file=page, width=160))
    return Played(told, page.getvalue())


@pytest.fixture(scope="session")
def played_consent(network: EmbeddedNetwork) -> PlayedConsent:
    """The story of the person's word as it was told on the network of this run."""
    page = io.StringIO()
    told = consent_story.play(network, Console(file=page, width=160))
    return PlayedConsent(told, page.getvalue())


@pytest.fixture
def places(network: EmbeddedNetwork, infra: Infrastructure) -> Places:
    """Everything that the network of this run keeps: topics, databases, and every file of it and of its servers."""
    folders = [network.data.root]
    if infra.embedded is not None:
        folders += [infra.embedded.broker.folder.parent]
    return Places(network.kafka_admin, {name: network.database(name) for name in SERVICES}, folders)
