"""A Slack bot in a process of its own, to be killed: `python slack_child.py HOME API_URL`.

Its chain takes a minute over a question with the word `slow` until the file HOME/quick exists.
"""

import sys
import time
from pathlib import Path

from fake_slack import APP_TOKEN, BOT_TOKEN
from langchain_core.runnables import RunnableLambda

from bot.answer import Answer, Question
from bot.desk import Desk
from bot.slack.run import run_slack
from bot.store import AnswerStore
from kb.settings import Settings


def main() -> None:
    """Runs until it is killed."""
    home = Path(sys.argv[1])

    def chain(question: Question) -> Answer:
        with (home / "asked").open("a") as log:
            log.write(f"{question.text}\n")
        if "slow" in question.text and not (home / "quick").exists():
            time.sleep(60)
        text = f"Said to: {question.text}"
        return Answer(
            id=f"a-{question.request_id}",
            question=question.text,
            standalone_question=question.text,
            kind="fact",
            text=text,
        )

    desk = Desk(RunnableLambda(chain), Settings(home=home), AnswerStore(home))
    tokens = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
    run_slack(desk, environ=tokens, api_url=sys.argv[2])


if __name__ == "__main__":
    main()
