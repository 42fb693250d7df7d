"""The page in a real browser: ask, read the verdict, open the passage, move a weight; nothing planted runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

pytestmark = pytest.mark.browser


@dataclass
class Visit:
    """A page with what it asked for and complained of."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def ask(self, question: str) -> Any:
        before = self.page.locator(".turn:not(.pending)").count()
        self.page.fill("#question", question)
        self.page.keyboard.press("Enter")
        turn = self.page.locator(".turn:not(.pending)").nth(before)
        turn.wait_for()
        return turn


Visitor = Callable[..., Visit]


@pytest.fixture
def visit(chromium: Any, server: Any) -> Iterator[Visitor]:
    contexts = []

    def start(path: str = "/", *, width: int = 1280, height: int = 900, **options: Any) -> Visit:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        visit = Visit(context.new_page())
        # Requests that leave the machine are recorded and go nowhere.
        context.route(
            lambda url: not url.startswith((server.url, "data:", "blob:")),
            lambda route: (visit.foreign.append(route.request.url), route.abort()),
        )
        visit.page.on("console", lambda m: visit.complaints.append(m.text) if m.type in ("error", "warning") else None)
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visit.page.goto(server.url + path)
        if path.split("?")[0] == "/":
            visit.page.locator("#question").wait_for()
        return visit

    yield start
    for context in contexts:
        context.close()


def test_ask_read_the_verdict_and_open_the_marked_passage(visit: Visitor) -> None:
    here = visit()
    turn = here.ask("Which platform should I use for streaming sensor data?")
    assert turn.locator(".verdict .choice").inner_text() == "Use Azure Databricks"
    assert "78%" in turn.locator(".confidence").inner_text()

    turn.locator(".words .cite").nth(1).click()
    mark = here.page.locator("#panel mark")
    mark.wait_for()
    assert mark.inner_text().startswith("A sensor feed lands in a Delta table within seconds")
    assert mark.is_visible()
    assert "Streaming" in here.page.locator("#panel .crumbs").inner_text()
    assert here.page.evaluate("document.activeElement.id") == "panel-title"

    here.page.keyboard.press("j")
    here.page.locator("#panel .place", has_text="Source 3 of 3").wait_for()
    assert mark.inner_text().startswith("Managed online endpoints")
    here.page.keyboard.press("k")
    here.page.locator("#panel .place", has_text="Source 2 of 3").wait_for()
    here.page.keyboard.press("Escape")
    assert not here.page.locator("#panel").is_visible()
    assert here.page.evaluate("document.activeElement.dataset.cite") == "2"
    assert here.foreign == []
    assert here.complaints == []


def test_a_slider_moves_the_verdict_and_the_record_and_can_be_put_back(visit: Visitor) -> None:
    here = visit()
    turn = here.ask("Streams?")
    slider = turn.locator("input[type=range]").first
    slider.focus()
    here.page.keyboard.press("Home")
    choice = turn.locator(".verdict .choice")
    choice.filter(has_text="Use Azure Machine Learning").wait_for()
    assert turn.locator("tr").nth(1).locator("output").inner_text() == "ignored"
    assert "c1%3A0" in turn.locator("[data-do=record]").get_attribute("href")
    turn.locator("[data-do=reset]").click()
    choice.filter(has_text="Use Azure Databricks").wait_for()
    assert slider.input_value() == "1.5"
    assert here.complaints == []


def test_follow_ups_choices_and_missing_figures_lead_on(visit: Visitor) -> None:
    here = visit()
    here.ask("help me choose").locator(".chip", has_text="Streaming data").click()
    second = here.page.locator(".turn:not(.pending)").nth(1)
    second.wait_for()
    assert second.locator(".asked").inner_text() == "Streaming data"
    assert second.get_attribute("data-answer").endswith("-2"), "the second question knows the first turn"
    second.locator(".chip", has_text="What would it cost?").click()
    third = here.page.locator(".turn:not(.pending)").nth(2)
    third.wait_for()
    assert third.locator(".choice").inner_text() == "The sources don’t say"
    assert "do not give the figure" in third.inner_text()
    here.page.reload()
    here.page.locator(".turn").nth(2).wait_for()
    assert here.page.locator(".turn").count() == 3, "a reload shows the conversation again"


def test_nothing_planted_runs_wherever_it_stands(visit: Visitor, planted_text: str) -> None:
    here = visit()
    turn = here.ask(f"planted {planted_text}")
    assert planted_text[:60] in turn.locator(".asked").inner_text()
    assert "${window.planted=1}" in turn.locator(".words").inner_text()
    for n in range(2):
        turn.locator(".sources .cite").nth(n).click()
        here.page.locator("#panel .place", has_text=f"Source {n + 1} of 2").wait_for()
        assert here.page.locator("#panel mark").inner_text() == planted_text
    turn.locator("input[type=range]").first.press("Home")
    turn.locator(".moved").wait_for()
    assert here.page.evaluate("window.planted") is None
    assert here.page.locator("#whichway :is(img, script, svg, iframe)").count() == 0
    here.page.goto(here.page.url + "?a=%3Cimg%20src%3Dx%20onerror%3D%22window.planted%3D1%22%3E")
    here.page.locator(".notice", has_text="is kept here").wait_for()
    assert here.page.evaluate("window.planted") is None
    assert here.foreign == []


def test_a_stored_answer_opens_by_its_link_with_its_passage(visit: Visitor) -> None:
    here = visit()
    answer_id = here.ask("Streams to keep?").get_attribute("data-answer")
    later = visit(f"/?a={answer_id}&c=3")
    later.page.locator("#panel mark").wait_for()
    assert later.page.locator(".turn .choice").inner_text() == "Use Azure Databricks"
    assert "Answered on" in later.page.locator(".stored").inner_text()
    assert later.complaints == []


def test_feedback_with_a_comment_reaches_the_store(visit: Visitor, server: Any) -> None:
    here = visit()
    sent: list[str] = []
    here.page.on("request", lambda r: sent.append(r.post_data_json["comment"]) if "ui/feedback" in r.url else None)
    turn = here.ask("Streams, judged")
    turn.get_by_role("button", name="This answer is wrong").click()
    turn.locator(".comment textarea").click()
    turn.locator(".comment textarea").fill("Cites the wrong section")
    turn.locator(".comment button").click()
    turn.locator(".said", has_text="noted").wait_for()
    assert sent == ["", "Cites the wrong section"]
    kept = server.store.feedback(turn.get_attribute("data-answer"))
    assert [(f.opinion, f.comment, f.channel) for f in kept if f.comment == "Cites the wrong section"] == [
        ("down", "Cites the wrong section", "browser")
    ]


def test_an_error_is_one_line_and_the_page_goes_on(visit: Visitor) -> None:
    here = visit()
    failed = here.ask("make it crash")
    assert "omething went wrong here" in failed.locator("[role=alert]").inner_text()
    assert "secret detail" not in here.page.content()
    assert here.ask("Streams?").locator(".choice").inner_text() == "Use Azure Databricks"


def test_a_question_that_is_not_taken_comes_back_and_can_be_asked_again(visit: Visitor) -> None:
    here = visit()
    keys: list[str] = []

    def refuse(route: Any) -> None:
        keys.append(route.request.post_data_json["event_data"]["key"])
        route.fulfill(status=429, json={"error": "more than 60 questions in a minute"})

    here.page.route("**/gradio_api/queue/join*", refuse)
    here.page.clock.install()
    box, send, note = (here.page.locator(name) for name in ("#question", ".send", "#thread > [role=alert]"))

    def ask(question: str, refused: int) -> None:
        box.fill(question)
        with here.page.expect_response("**/gradio_api/queue/join*"):
            here.page.keyboard.press("Enter")
        assert (box.input_value(), send.is_disabled(), len(keys)) == ("", True, refused)

    ask("Streams, refused?", 1)
    here.page.clock.fast_forward(10_000)
    note.wait_for()
    assert note.inner_text() == "No answer came: the server is busy, or was stopped. Ask again in a moment."
    assert (box.input_value(), send.is_enabled()) == ("Streams, refused?", True)

    ask("Streams, broken off?", 2)
    begun = "<article class='turn pending' data-turn='{}'></article>"
    here.page.evaluate(
        """(html) => {
          const incoming = document.createElement("div");
          incoming.innerHTML = html;
          whichway.receive(incoming, (name, changed) => changed());
        }""",
        begun.format(keys[1]),
    )
    here.page.clock.fast_forward(60_000)
    assert (here.page.locator(".turn.pending").count(), send.is_disabled()) == (1, True)
    here.page.clock.fast_forward(60_000)
    note.nth(1).wait_for()
    assert here.page.locator(".turn").count() == 0
    assert box.input_value() == "Streams, broken off?"

    here.page.unroute("**/gradio_api/queue/join*")
    here.page.clock.resume()
    assert here.ask(box.input_value()).locator(".choice").inner_text() == "Use Azure Databricks"
    assert (box.input_value(), send.is_enabled()) == ("", True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_one_way_only_and_opens_a_sheet(visit: Visitor, scheme: str) -> None:
    here = visit(width=390, height=844, color_scheme=scheme)
    turn = here.ask("Streams on a phone? " + "averyveryverylongwordwithoutanyspace" * 4)
    turn.locator(".words .cite").first.click()
    here.page.locator("#panel mark").wait_for()
    assert here.page.evaluate("document.documentElement.scrollWidth") == 390
    box = here.page.locator("#panel").bounding_box()
    assert box["x"] == 0
    assert box["width"] == 390
    assert box["y"] > 100
    paper = here.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(250, 248, 244)" if scheme == "light" else "rgb(21, 20, 18)")


def test_sources_and_api_pages_work_without_anything_foreign(visit: Visitor) -> None:
    for path, words in (("/sources", "Data engineering"), ("/docs", "/api/ask")):
        here = visit(path)
        assert words in here.page.inner_text("body")
        assert here.foreign == []
        assert here.complaints == []


def test_a_finished_answer_is_placed_once_and_keeps_what_was_done_with_it(visit: Visitor) -> None:
    here = visit()
    here.page.evaluate(
        """() => {
          window.placed = 0;
          new MutationObserver((changes) => {
            for (const change of changes) for (const node of change.addedNodes)
              if (node.matches?.(".turn[data-answer]")) window.placed += 1;
          }).observe(document.querySelector("#thread"), { childList: true });
        }"""
    )
    turn = here.ask("Streams, once")
    turn.get_by_role("button", name="This answer is wrong").click()
    turn.locator(".comment textarea").fill("Not sent yet")
    # The page's framework may hand the last value over once more when the request ends.
    here.page.wait_for_timeout(1500)
    assert here.page.evaluate("window.placed") == 1
    assert turn.locator(".comment textarea").input_value() == "Not sent yet"
