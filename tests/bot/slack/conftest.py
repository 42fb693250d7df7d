"""One fake Slack a module, with a bot that runs on it; every test speaks in a channel of its own."""

import itertools
from collections.abc import Iterator

import pytest
from fake_slack import FakeSlack
from slack_office import Office, Sample, Script, Texts, office

_channels = itertools.count(1)


@pytest.fixture(scope="module")
def slack() -> Iterator[FakeSlack]:
    fake = FakeSlack()
    yield fake
    fake.close()


@pytest.fixture
def channel() -> str:
    return f"C{next(_channels):08d}"


@pytest.fixture
def direct() -> str:
    return f"D{next(_channels):08d}"


@pytest.fixture(scope="module")
def bot_office(
    slack: FakeSlack, tmp_path_factory: pytest.TempPathFactory, sample: Sample, section_texts: Texts
) -> Iterator[Office]:
    with office(slack, tmp_path_factory.mktemp("home"), Script(sample), section_texts) as running:
        yield running


@pytest.fixture
def at_work(bot_office: Office) -> Iterator[Office]:
    """The running bot; afterwards Slack must have refused nothing that it sent."""
    bot_office.slack.refused.clear()
    yield bot_office
    assert bot_office.slack.refused == []
