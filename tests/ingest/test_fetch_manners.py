"""How a site is treated: its rules, its rest, its unchanged pages; and what is kept when it fails."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web_on_loopback import Page, QuickClock, Web, redirect

from ingest.fetch import WebFetcher
from ingest.fetch.manners import wait_of
from ingest.sources import Fetched
from kb.records import LeftOut
from kb.settings import FetchSettings, FollowSettings, Settings

HOST = "docs.example.com"
BASE = f"https://{HOST}/platforms/"
FORM = b"<html><body><form>Sign in <input name=p type='password'></form></body></html>"


def html(words: str, *links: str) -> bytes:
    anchors = "".join(f"<a href='{link}'>more</a> " for link in links)
    return f"<html><body><h1>Page</h1><p>{words}</p>{anchors}</body></html>".encode()


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as served:
        yield served


@pytest.fixture
def quick() -> QuickClock:
    return QuickClock()


Run = Callable[..., WebFetcher]


@pytest.fixture
def run(web: Web, home: Path, quick: QuickClock) -> Iterator[Run]:
    """A new run over the same home: a fetcher with an empty memory and what earlier runs kept."""
    fetchers: list[WebFetcher] = []

    def start(*, offline: bool = False, **manners: object) -> WebFetcher:
        settings = Settings(home=home, fetch=FetchSettings.model_validate({"delay_seconds": 0, **manners}))
        fetchers.append(
            WebFetcher(settings, offline=offline, network=web.network, clock=quick.clock, today=lambda: "2026-11-23")
        )
        return fetchers[-1]

    yield start
    for fetcher in fetchers:
        fetcher.close()


def one(fetcher: WebFetcher, url: str = BASE) -> Fetched | LeftOut:
    (item,) = fetcher.fetch([url], origin="list")
    return item


def told(items: Iterator[Fetched | LeftOut]) -> list[str]:
    return [item.url if isinstance(item, Fetched) else f"{item.source_id}: {item.reason}" for item in items]


def test_a_page_comes_as_it_is_with_its_kind_and_its_day(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page("Größe".encode("latin-1"), kind="text/plain; charset=ISO-8859-1")
    item = one(run())
    assert isinstance(item, Fetched)
    assert item.data.decode("utf-8-sig") == "Größe"
    assert (item.content_type, item.fetched, item.url, item.origin) == ("text/plain", "2026-11-23", BASE, "list")
    agent = dict(web.asked)[f"{HOST}/platforms/"]["user-agent"]
    assert agent.startswith("whichway/")


def test_a_file_on_github_is_read_as_it_is_and_cited_where_it_is_shown(web: Web, run: Run) -> None:
    web.pages["raw.githubusercontent.com/o/r/main/a%20b.md"] = Page(b"# Title", kind="text/plain; charset=utf-8")
    url = "https://github.com/o/r/blob/main/a%20b.md"
    item = one(run(), url)
    assert isinstance(item, Fetched)
    assert (item.url, item.data, item.content_type) == (url, b"# Title", "text/markdown")


def test_robots_are_asked_once_and_obeyed(web: Web, run: Run, quick: QuickClock) -> None:
    web.pages[f"{HOST}/robots.txt"] = Page(
        b"User-agent: *\nDisallow: /\n\nUser-agent: whichway\nDisallow: /platforms/*/draft$\nCrawl-delay: 7\n",
        kind="text/plain",
    )
    for name in ("a", "b", "x/draft"):
        web.pages[f"{HOST}/platforms/{name}"] = Page(html(name))
    items = list(run().fetch([BASE + "a", BASE + "x/draft", BASE + "b"], origin="list"))
    assert [isinstance(item, Fetched) for item in items] == [True, False, True]
    assert isinstance(items[1], LeftOut)
    assert items[1].reason == f"robots.txt of {HOST} keeps it from whichway"
    assert web.count(f"{HOST}/robots.txt") == 1
    assert web.count(f"{HOST}/platforms/x/draft") == 0
    assert any(6 < pause <= 7 for pause in quick.slept)


def test_rules_that_cannot_be_read_forbid_and_rules_that_are_not_there_allow(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(html("text"))
    web.pages[f"{HOST}/robots.txt"] = Page(status=503)
    failed = one(run(retries=0))
    assert isinstance(failed, LeftOut)
    assert failed.reason == f"robots.txt of {HOST} cannot be had: 503 Service Unavailable"
    for status in (404, 403):
        web.pages[f"{HOST}/robots.txt"] = Page(status=status)
        assert isinstance(one(run()), Fetched)


def test_what_did_not_change_is_not_sent_again(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(html("text"), etag='"v1"')
    first, second = one(run()), one(run())
    assert first == second
    assert (web.answered[200], web.answered[304]) == (1, 1)
    web.pages[f"{HOST}/platforms/"] = Page(html("new text"), etag='"v2"')
    third = one(run())
    assert isinstance(third, Fetched)
    assert b"new text" in third.data


def test_a_busy_host_is_left_alone_for_as_long_as_it_asks(web: Web, run: Run, quick: QuickClock) -> None:
    good = Page(html("text"))
    web.pages[f"{HOST}/platforms/"] = Page(status=429, headers={"Retry-After": "40"}, then=[Page(status=500), good])
    web.pages[f"{HOST}/platforms/"].then = [Page(status=500, then=[good])]
    assert isinstance(one(run()), Fetched)
    assert [pause for pause in quick.slept if pause > 5] == [pytest.approx(40, abs=1)]
    assert [pause for pause in quick.slept if 0.4 < pause < 5]
    assert web.count(f"{HOST}/platforms/") == 3


def test_a_host_that_asks_for_an_hour_or_answers_nobody_is_not_asked_again(web: Web, run: Run) -> None:
    pages = [f"{BASE}{n}" for n in range(12)]
    web.pages[f"{HOST}/platforms/0"] = Page(status=503, headers={"Retry-After": "3600"})
    reasons = told(run(per_host=1).fetch(pages, origin="list"))
    assert reasons[11].endswith(f"503 Service Unavailable: {HOST} asks to be left alone for 3600 s")
    assert len(web.asked) == 2
    web.asked.clear()
    web.pages = {f"{HOST}/platforms/{n}": Page(status=500) for n in range(12)}
    reasons = told(run(per_host=1, retries=1).fetch(pages, origin="list"))
    assert reasons[0].endswith("/0: 500 Internal Server Error")
    assert reasons[11].endswith(f"{HOST} does not answer: 500 Internal Server Error")
    assert len(web.asked) == 1 + 3 * 2


def test_dates_and_seconds_of_retry_after_are_read_by_the_servers_clock() -> None:
    assert wait_of("7") == 7
    assert wait_of("Mon, 23 Nov 2026 10:00:30 GMT", "Mon, 23 Nov 2026 10:00:00 GMT") == 30
    assert wait_of("soon") is None


def test_no_more_requests_at_once_than_allowed_and_never_closer_than_the_delay(
    web: Web, run: Run, quick: QuickClock
) -> None:
    for n in range(10):
        web.pages[f"{HOST}/platforms/{n}"] = Page(html(str(n)))
    items = list(run(delay_seconds=60, per_host=3).fetch([f"{BASE}{n}" for n in range(10)], origin="list"))
    assert [item.url for item in items if isinstance(item, Fetched)] == [f"{BASE}{n}" for n in range(10)]
    assert web.most_at_once <= 3
    assert sum(quick.slept) >= 60 * 10 * 0.9


def test_offline_gives_what_was_kept_and_asks_nobody(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(html("text"))
    online = one(run())
    web.asked.clear()
    assert one(run(offline=True)) == online
    missing = one(run(offline=True), BASE + "other")
    assert isinstance(missing, LeftOut)
    assert missing.reason == "not fetched yet; leave --offline out once to fetch it"
    assert web.asked == []


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_kept_page_is_fetched_anew(web: Web, run: Run, home: Path, damage: str) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(html("text"), etag='"v1"')
    before = one(run())
    (file,) = (home / "fetched").iterdir()
    data = bytearray(file.read_bytes())
    if damage == "flip":
        data[-9] ^= 1
    file.write_bytes(data[: len(data) // 2] if damage == "cut" else b"" if damage == "empty" else data)
    assert isinstance(one(run(offline=True)), LeftOut)
    assert one(run()) == before
    assert web.answered[304] == 0


def test_pages_are_brought_although_the_home_cannot_keep_them(web: Web, run: Run, home: Path) -> None:
    (home / "fetched").write_text("in the way", "utf-8")
    web.pages[f"{HOST}/platforms/"] = Page(html("text"))
    assert isinstance(one(run()), Fetched)


def test_a_page_that_is_no_more_has_vanished_and_a_login_in_its_place_has_not(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(html("word " * 600))
    assert isinstance(one(run()), Fetched)
    web.pages[f"{HOST}/platforms/"] = Page(FORM)
    login = one(run())
    assert isinstance(login, LeftOut)
    assert (login.kind, login.reason) == ("failed", "asks to log in: a password form is where the page was")
    web.pages[f"{HOST}/platforms/"] = redirect("/login?next=/platforms/")
    login = one(run())
    assert isinstance(login, LeftOut)
    assert (login.kind, login.reason) == ("failed", f"asks to log in: redirects to {HOST}/login")
    assert isinstance(one(run(offline=True)), Fetched)
    web.pages[f"{HOST}/platforms/"] = Page(status=410)
    gone = one(run())
    assert isinstance(gone, LeftOut)
    assert (gone.kind, gone.reason) == ("vanished", "410 Gone")


def test_a_page_with_a_sign_in_box_beside_its_content_is_a_page(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(html("word " * 600) + FORM)
    assert isinstance(one(run()), Fetched)


def test_links_are_followed_as_deep_and_as_far_as_allowed(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(
        html("start", "a?utm_source=x", "/platforms/a#part", "https://evil.example/", "../blog/post", "pic.png", "b")
    )
    web.pages[f"{HOST}/platforms/a"] = Page(html("a", "deep", "./"))
    web.pages[f"{HOST}/platforms/b"] = redirect("/blog/post")
    web.pages[f"{HOST}/platforms/deep"] = Page(html("deep", "deeper"))
    web.pages[f"{HOST}/blog/post"] = Page(html("post"))
    near = told(run().follow(BASE, FollowSettings(depth=1), origin=BASE))
    assert near == [BASE, BASE + "a", BASE + "b"]
    far = told(run().follow(BASE, FollowSettings(depth=2), origin=BASE))
    assert far == [*near, BASE + "deep"]
    named = told(run().follow(BASE, FollowSettings(depth=1, allow=(f"{HOST}/blog/*",)), origin=BASE))
    assert named == [BASE, f"https://{HOST}/blog/post"]
    few = told(run().follow(BASE, FollowSettings(depth=2, pages=2), origin=BASE))
    assert few[:2] == [BASE, BASE + "a"]
    assert few[2] == f"{BASE}: 2 more pages are linked than the 2 that are followed"


def test_links_of_a_page_that_fails_are_followed_as_it_was(web: Web, run: Run) -> None:
    web.pages[f"{HOST}/platforms/"] = Page(html("start", "a"))
    web.pages[f"{HOST}/platforms/a"] = Page(html("a"))
    list(run().follow(BASE, FollowSettings(depth=1), origin=BASE))
    web.pages[f"{HOST}/platforms/"] = Page(status=500)
    items = told(run(retries=0).follow(BASE, FollowSettings(depth=1), origin=BASE))
    assert items == [f"{BASE}: 500 Internal Server Error", BASE + "a"]
    web.pages[f"{HOST}/platforms/"] = Page(status=404)
    (start,) = run().follow(BASE, FollowSettings(depth=1), origin=BASE)
    assert isinstance(start, LeftOut)
    assert start.kind == "failed"


def sitemap(*urls: str, index: bool = False) -> bytes:
    kind, item = ("sitemapindex", "sitemap") if index else ("urlset", "url")
    items = "".join(f"<{item}><loc>{url}</loc></{item}>" for url in urls)
    return f'<?xml version="1.0"?><{kind} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{items}</{kind}>'.encode()


def test_a_sitemap_its_parts_and_their_compression_are_read(web: Web, run: Run) -> None:
    first, second = f"https://{HOST}/one.xml", f"https://{HOST}/two.xml.gz"
    web.pages[f"{HOST}/sitemap.xml"] = Page(sitemap(first, second, index=True), kind="application/xml")
    web.pages[f"{HOST}/one.xml"] = Page(sitemap(BASE + "a", "https://evil.example/x"), kind="text/xml")
    web.pages[f"{HOST}/two.xml.gz"] = Page(
        gzip.compress(sitemap(BASE + "b", f"https://{HOST}/blog/c")), kind="application/gzip"
    )
    for name in ("platforms/a", "platforms/b", "blog/c"):
        web.pages[f"{HOST}/{name}"] = Page(html(name))
    root = f"https://{HOST}/sitemap.xml"
    assert told(run().sitemap(root, (), origin=root)) == [BASE + "a", BASE + "b", f"https://{HOST}/blog/c"]
    assert told(run().sitemap(root, (f"{HOST}/platforms/*",), origin=root)) == [BASE + "a", BASE + "b"]
    web.pages[f"{HOST}/two.xml.gz"] = Page(status=500)
    broken = list(run(retries=0).sitemap(root, (), origin=root))
    assert isinstance(broken[0], LeftOut)
    assert (broken[0].source_id, broken[0].kind) == (root, "failed")
    assert told(iter(broken[1:])) == [BASE + "a", BASE + "b", f"https://{HOST}/blog/c"]


def test_a_sitemap_that_reads_files_or_swells_is_none(web: Web, run: Run) -> None:
    root = f"https://{HOST}/sitemap.xml"
    secret = b'<?xml version="1.0"?><!DOCTYPE u [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    web.pages[f"{HOST}/sitemap.xml"] = Page(
        secret + b"<urlset><url><loc>https://docs.example.com/&x;</loc></url></urlset>", kind="text/xml"
    )
    assert all("hostname" not in line for line in told(run(retries=0).sitemap(root, (), origin=root)))
    assert len(web.asked) <= 3
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(12))
    web.pages[f"{HOST}/sitemap.xml"] = Page(
        f"<!DOCTYPE u [{laughs}]><urlset><url><loc>&l11;</loc></url></urlset>".encode(), kind="text/xml"
    )
    assert told(run().sitemap(root, (), origin=root)) in ([], [f"{root}: not a sitemap"])
    web.pages[f"{HOST}/sitemap.xml"] = Page(html("no sitemap"), kind="text/xml")
    assert told(run().sitemap(root, (), origin=root)) == [f"{root}: not a sitemap"]
