"""The HTTP API and MCP over a real server on loopback."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from bot.answer import Answer


@pytest.fixture(scope="module")
def api(server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def test_an_answer_is_asked_kept_and_opened_again(api: httpx.Client) -> None:
    answer = api.post("/api/ask", json={"question": " Streams? ", "request_id": "r-1"}).json()
    assert answer["schema"] == 1
    assert answer["request_id"] == "r-1"
    assert answer["question"] == "Streams?"
    assert answer["verdict"]["choice"] == "databricks"
    assert api.get(f"/api/answers/{answer['id']}").json() == answer


def test_the_history_reaches_the_chain(api: httpx.Client) -> None:
    history = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert api.post("/api/ask", json={"question": "and streams?", "history": history}).json()["id"].endswith("-2")


def test_a_citation_opens_its_section_with_the_quote_at_its_place(api: httpx.Client) -> None:
    answer = api.post("/api/ask", json={"question": "Streams?"}).json()
    for citation in answer["citations"]:
        section = api.get(f"/api/answers/{answer['id']}/citations/{citation['n']}").json()
        assert section["text"][section["start"] : section["end"]] == citation["quote"]
        assert len(section["text"]) > len(citation["quote"])


def test_a_weight_moves_the_verdict_with_no_question_asked(api: httpx.Client) -> None:
    answer = api.post("/api/ask", json={"question": "Streams?"}).json()
    criteria = answer["criteria"]
    assert api.post("/api/decide", json={"criteria": criteria}).json() == answer["verdict"]
    criteria[0]["weight"] = 0
    assert api.post("/api/decide", json={"criteria": criteria}).json()["choice"] == "azure_ml"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"azure_ml"', '"asml"', "criterion 'c1' has a cell for 'asml'; the options are "),
        ('"weight":1.5', '"weight":Infinity', "criteria.0.weight: "),
        ('"score":0.95', '"score":Infinity', "criteria.0.cells.databricks.score: "),
    ],
)
def test_criteria_that_cannot_be_weighed_are_refused_in_one_line(
    api: httpx.Client, sample: Callable[..., Answer], old: str, new: str, words: str
) -> None:
    criteria = [criterion.model_dump_json() for criterion in sample().criteria]
    assert old in criteria[0]
    body = f'{{"criteria": [{criteria[0].replace(old, new)}, {criteria[1]}]}}'
    response = api.post("/api/decide", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert response.json()["error"].startswith(words)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"question": "  "}, 422, "the question is empty"),
        ({"question": "x" * 4001}, 413, "4,001 characters"),
        ({"question": "x" * 50_000}, 413, "50,000 characters"),
        ({}, 422, "question"),
        ({"question": "q", "histroy": []}, 422, "histroy"),
        ({"question": "q", "history": [{"role": "system", "content": "x"}]}, 422, "history.0.role"),
        ({"question": "x" * 600_000}, 413, "larger than"),
        ({"question": "make it crash"}, 500, "something went wrong"),
    ],
)
def test_a_bad_question_is_refused_in_one_line(api: httpx.Client, body: object, status: int, words: str) -> None:
    response = api.post("/api/ask", json=body)
    assert response.status_code == status
    line = response.json()["error"]
    assert words in line
    assert "\n" not in line
    assert "secret detail" not in response.text


def test_broken_json_is_one_line_too(api: httpx.Client) -> None:
    response = api.post("/api/ask", content="{not json", headers={"content-type": "application/json"})
    assert response.status_code == 422
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("path", ["/api/answers/none", "/api/answers/none/citations/1", "/ui/answers/none", "/api/no"])
def test_what_is_not_there_is_404_with_one_line(api: httpx.Client, path: str) -> None:
    response = api.get(path)
    assert response.status_code == 404


def test_an_unknown_citation_names_those_that_are_there(api: httpx.Client) -> None:
    answer = api.post("/api/ask", json={"question": "Streams?"}).json()
    response = api.get(f"/api/answers/{answer['id']}/citations/9")
    assert response.status_code == 404
    assert response.json()["error"].endswith("has no citation 9; it has 1, 2, 3")


def test_feedback_is_kept_with_the_answer(api: httpx.Client, server: Any) -> None:
    answer = api.post("/api/ask", json={"question": "Streams for feedback?"}).json()
    body = {"answer_id": answer["id"], "opinion": "down", "comment": "late", "who": "reader-9"}
    assert api.post("/api/feedback", json=body).status_code == 201
    assert ("down", "late", "reader-9") in [(f.opinion, f.comment, f.who) for f in server.store.feedback(answer["id"])]
    assert api.post("/api/feedback", json=body | {"answer_id": "gone"}).status_code == 404
    assert api.post("/api/feedback", json=body | {"opinion": "meh"}).status_code == 422


def test_sources_and_health(api: httpx.Client) -> None:
    assert api.get("/api/sources").json()[0]["title"] == "Data engineering"
    assert api.get("/api/health").json() == {"status": "ok", "sources": 1, "answers_kept": True}


def test_pages_load_nothing_from_elsewhere(api: httpx.Client) -> None:
    for path in ("/docs", "/sources", "/"):
        text = api.get(path).text
        loaded = [part.split('"')[0] for part in text.split('src="')[1:]]
        assert loaded
        assert not [address for address in loaded if address.startswith(("http", "//"))]
        assert "cdn" not in text.lower()
    assert "/api/answers/{answer_id}/citations/{n}" in api.get("/docs").text


def test_a_foreign_host_gets_400_on_every_way_in(api: httpx.Client) -> None:
    for path in ("/", "/docs", "/mcp", "/api/health", "/config", "/ui/app.js", "/gradio_api/info"):
        assert api.get(path, headers={"host": "evil.example"}).status_code == 400


def test_the_record_follows_the_weights_of_its_address(api: httpx.Client) -> None:
    answer = api.post("/api/ask", json={"question": "Streams?"}).json()
    path = f"/ui/answers/{answer['id']}/record.md"
    plain, moved = api.get(path), api.get(path, params={"w": "c1:0,c2:3"})
    assert plain.text.startswith("# Decision: Use Azure Databricks")
    assert moved.text.startswith("# Decision: Use Azure Machine Learning")
    assert "attachment" in plain.headers["content-disposition"]
    assert api.get(path, params={"w": "c1=0"}).status_code == 422


async def _mcp(url: str) -> tuple[list[str], Any, Any, Any, Any, Any]:
    from mcp.client import Client

    async with Client(f"{url}/mcp") as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        asked = await client.call_tool("ask", {"question": "Streams?"})
        compared = await client.call_tool("compare", {"topic": "streaming"})
        answer = asked.structured_content or {}
        section = await client.call_tool("get_section", {"answer_id": answer["id"], "n": 2})
        listed = await client.call_tool("list_sources", {})
        missing = await client.call_tool("get_section", {"answer_id": "gone", "n": 1})
        return tools, asked, compared, section, listed, missing


def _in_a_thread(work: Coroutine[Any, Any, Any]) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(timeout=60)


def test_mcp_gives_the_same_answer_as_structured_content(api: httpx.Client, server: Any) -> None:
    tools, asked, compared, section, listed, missing = _in_a_thread(_mcp(server.url))
    assert sorted(tools) == ["ask", "compare", "get_section", "list_sources"]
    direct = api.post("/api/ask", json={"question": "Streams?"}).json()
    assert asked.structured_content == direct
    assert "## Use Azure Databricks" in asked.content[0].text
    assert compared.structured_content["question"].startswith("Compare Azure Machine Learning and Azure Databricks")
    passage = section.structured_content
    assert passage["text"][passage["start"] : passage["end"]] == passage["quote"]
    assert listed.structured_content["sources"][0]["title"] == "Data engineering"
    assert missing.is_error
    assert "no answer 'gone' is kept here" in missing.content[0].text
