"""What is refused, and how clearly: addresses, names, redirects, answers that do harm."""

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web_on_loopback import PUBLIC, Page, QuickClock, Web, bomb, redirect

from ingest.fetch import WebFetcher
from ingest.fetch.address import RefusedError, parse, why_not_public
from ingest.sources import Fetched
from kb.records import LeftOut
from kb.settings import FetchSettings, Settings

HOST = "learn.microsoft.com"
START = f"https://{HOST}/azure/page"
WORDS = b"<html><body><h1>Streams</h1><p>Azure Databricks reads streams.</p></body></html>"

Get = Callable[..., Fetched | LeftOut]


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as served:
        yield served


@pytest.fixture
def get(web: Web, home: Path) -> Iterator[Get]:
    """Fetches one address of the web on loopback, with bounds that a test can reach."""
    fetchers: list[WebFetcher] = []

    def once(url: str = START, **bounds: object) -> Fetched | LeftOut:
        limits = {"delay_seconds": 0, "retries": 0, "max_bytes": 50_000, "timeout_seconds": 5, **bounds}
        settings = Settings(home=home, fetch=FetchSettings.model_validate(limits))
        fetchers.append(WebFetcher(settings, network=web.network, clock=QuickClock().clock))
        (item,) = fetchers[-1].fetch([url], origin="list")
        return item

    yield once
    for fetcher in fetchers:
        fetcher.close()


def reason_of(item: Fetched | LeftOut) -> str:
    assert isinstance(item, LeftOut), item
    assert "\n" not in item.reason
    assert item.kind == "failed"
    return item.reason


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("10.0.0.1", False),
        ("127.0.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("169.254.169.254", False),
        ("168.63.129.16", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("::7f00:1", False),
        ("2002:7f00:1::", False),
        ("2002:a9fe:a9fe::", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::a00:1", False),
        ("2001:0:4136:e378:8000:63bf:f7f7:f7f7", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
    ],
)
def test_only_public_addresses_are_public(ip: str, public: bool) -> None:
    assert (why_not_public(ip) is None) == public


def test_a_private_host_may_be_in_the_organisations_network_and_nowhere_else_private() -> None:
    assert why_not_public("10.1.2.3", private=True) is None
    assert why_not_public("fd00::5", private=True) is None
    for ip in ("127.0.0.1", "169.254.169.254", "::1", "0.0.0.0", "168.63.129.16", "::ffff:127.0.0.1"):
        assert why_not_public(ip, private=True), ip


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://2130706433/", "https://127.0.0.1/"),
        ("https://0177.0.0.1/x", "https://127.0.0.1/x"),
        ("https://0x7f.1", "https://127.0.0.1/"),
        ("https://①②⑦.0.0.1/", "https://127.0.0.1/"),
        ("https://[::FFFF:10.0.0.1]/", "https://[::ffff:a00:1]/"),
        ("https://Bücher.Example./a/../ä b", "https://xn--bcher-kva.example/%C3%A4%20b"),
        ("https://ex。ample.com:443/%2e%2E/a?q=a b#part", "https://ex.ample.com/a?q=a%20b"),
        ("https://a.b:8443/x/..", "https://a.b:8443/"),
    ],
)
def test_an_address_has_one_spelling(written: str, read: str) -> None:
    assert parse(written).url == read


@pytest.mark.parametrize(
    "url",
    [
        "http://learn.microsoft.com/",
        "ftp://learn.microsoft.com/",
        "file:///etc/passwd",
        "https://user:pass@learn.microsoft.com/",
        "https://learn.microsoft.com\\@evil.example/",
        "https:///path",
        "https://exa mple.com/",
        "https://a.b:99999/",
        "https://[::1/",
        "https://a..b/",
        "https://a.b/\r\nHost: c",
        "https://999.1.1.1.1.1/",
    ],
)
def test_what_is_no_plain_https_address_is_refused(url: str) -> None:
    if url == "https://999.1.1.1.1.1/":
        assert parse(url).host == "999.1.1.1.1.1"  # a name, however odd: resolving it decides
        return
    with pytest.raises(RefusedError):
        parse(url)


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.8"], ["127.0.0.1"], ["::ffff:192.168.1.1"], ["169.254.169.254"], [PUBLIC, "10.0.0.8"], ["::1"]],
)
def test_a_name_that_leads_to_a_private_address_is_not_connected_to(web: Web, get: Get, addresses: list[str]) -> None:
    web.names[HOST] = addresses
    assert f"{HOST} leads to {addresses[-1]} is not a public address" in reason_of(get())
    assert web.dialled == []


def test_a_name_that_is_rebound_between_two_connections_is_refused_at_the_second(web: Web, get: Get) -> None:
    web.pages[f"{HOST}/robots.txt"] = Page(b"", headers={"Connection": "close"})
    web.pages[f"{HOST}/azure/page"] = Page(WORDS)

    answers = [[PUBLIC], ["169.254.169.254"]]
    web._resolve = lambda host, port: answers.pop(0)  # type: ignore[method-assign]
    # The first connection is for robots.txt and closes; the second one finds the name rebound.
    assert "169.254.169.254 is not a public address" in reason_of(get())
    assert web.dialled == [(PUBLIC, 443)]


def test_each_connection_looks_a_name_up_once_and_dials_what_it_found(web: Web, get: Get) -> None:
    web.pages[f"{HOST}/azure/page"] = Page(WORDS)
    web.names[HOST] = ["2606:4700::1111", PUBLIC]
    assert isinstance(get(), Fetched)
    assert web.resolved == [HOST]
    assert web.dialled == [("2606:4700::1111", 443)]


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://169.254.169.254/metadata/instance", "outside what is allowed"),
        ("http://learn.microsoft.com/azure/other", "not an https address"),
        ("https://evil.example/", "outside what is allowed"),
        ("https://learn.microsoft.com:8443/azure/page", "outside what is allowed"),
        ("https://u:p@learn.microsoft.com/", "user name or password"),
        ("https://login.microsoftonline.com/common/oauth2/authorize", "asks to log in"),
        ("/azure/page", "redirects more than 5 times"),
    ],
)
def test_a_redirect_is_judged_like_an_address(web: Web, get: Get, location: str, reason: str) -> None:
    web.pages[f"{HOST}/azure/page"] = redirect(location)
    assert reason in reason_of(get())
    assert {ip for ip, _port in web.dialled} == {PUBLIC}


def test_a_redirect_to_a_listed_host_that_resolves_privately_is_refused(web: Web, get: Get) -> None:
    web.pages[f"{HOST}/azure/page"] = redirect(f"https://www.{HOST}/azure/page")
    web.names[f"www.{HOST}"] = ["169.254.169.254"]
    assert "leads to 169.254.169.254" in reason_of(get())


def test_a_metadata_address_that_is_itself_configured_is_refused(web: Web, get: Get) -> None:
    web.names["169.254.169.254"] = ["169.254.169.254"]
    assert "169.254.169.254 is not a public address" in reason_of(get("https://169.254.169.254/latest/meta-data"))
    assert web.dialled == []


def test_endless_slow_and_swollen_answers_end(web: Web, get: Get) -> None:
    def endless(write: Callable[[bytes], object]) -> None:
        while True:
            write(b"x" * 10_000)

    def slow(write: Callable[[bytes], object]) -> None:
        for _ in range(200):
            write(b"x")
            time.sleep(0.05)

    web.pages[f"{HOST}/azure/page"] = Page(stream=endless)
    assert reason_of(get()) == "longer than the 0.05 MB that are read"
    web.pages[f"{HOST}/azure/page"] = Page(stream=slow)
    began = time.monotonic()
    assert reason_of(get(timeout_seconds=1)) == "no whole answer within 1 s"
    assert time.monotonic() - began < 8
    web.pages[f"{HOST}/azure/page"] = Page(bomb(20_000_000), headers={"Content-Encoding": "gzip"})
    assert reason_of(get()) == "longer than the 0.05 MB that are read"
    web.pages[f"{HOST}/azure/page"] = Page(WORDS, headers={"Content-Length": "9000000"})
    assert reason_of(get()) == "longer than the 0.05 MB that are read"
    web.pages[f"{HOST}/azure/page"] = Page(WORDS, headers={"Content-Length": "4000"})
    assert reason_of(get()) == "the connection broke"


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page(b"\x89PNG", kind="image/png"), "not a document (image/png)"),
        (Page(b"data", kind="application/octet-stream"), "not a document (application/octet-stream)"),
        (Page(WORDS, headers={"Content-Encoding": "br"}), "an encoding that was not asked for (br)"),
        (Page(bomb(1000)[:-9], headers={"Content-Encoding": "gzip"}), "the answer was cut short"),
        (Page(status=401), "401 Unauthorized: it asks to log in"),
        (Page(status=403), "403 Forbidden"),
        (Page(status=204), "204 No Content"),
        (Page(status=304), "304 without a page"),
    ],
)
def test_an_answer_that_is_no_document_says_why(web: Web, get: Get, page: Page, reason: str) -> None:
    web.pages[f"{HOST}/azure/page"] = page
    assert reason in reason_of(get())


def test_a_certificate_of_another_name_is_refused(web: Web, get: Get) -> None:
    web.pages["untrusted.example/a"] = Page(WORDS)
    assert "its certificate is not valid" in reason_of(get("https://untrusted.example/a"))


def test_no_proxy_of_the_environment_is_used(web: Web, get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    web.pages[f"{HOST}/azure/page"] = Page(WORDS)
    assert isinstance(get(), Fetched)
    assert web.dialled == [(PUBLIC, 443)]


def test_a_private_host_is_fetched_where_the_configuration_names_it(web: Web, get: Get) -> None:
    web.pages["wiki.corp.example/page"] = Page(WORDS)
    web.names["wiki.corp.example"] = ["10.9.8.7"]
    url = "https://wiki.corp.example/page"
    assert "10.9.8.7 is not a public address" in reason_of(get(url))
    assert isinstance(get(url, private_hosts=["wiki.corp.example"]), Fetched)


def test_a_name_that_does_not_exist_says_so(web: Web, get: Get) -> None:
    def nothing(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    web._resolve = nothing  # type: ignore[method-assign]
    assert reason_of(get()) == f"robots.txt of {HOST} cannot be had: the name {HOST} cannot be resolved"
