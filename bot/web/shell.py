"""The page around the conversation: masthead, question box, example questions, source panel."""

from bot.answer import QUESTION_LIMIT
from bot.web.html import clean, e
from kb.settings import BUNDLED_GUIDE, Settings

_BUNDLED_EXAMPLES = (
    "Which platform should I use for streaming sensor data?",
    "We clean petabytes of logs first, then deploy models under strict governance. Which platform?",
    "Blue-green endpoints and drift monitoring for a small team",
    "How do both compare on cost control?",
)


def examples(settings: Settings) -> tuple[str, ...]:
    """Questions to start with: of the bundled guide's decision, or general ones about this decision's options."""
    if settings.topics_guide == BUNDLED_GUIDE:
        return _BUNDLED_EXAMPLES
    first, second = (option.name for option in settings.decision.options)
    return (
        f"When is {first} the better choice?",
        f"When is {second} the better choice?",
        f"How do {first} and {second} compare on cost?",
        "Can we use both together?",
    )


def masthead(settings: Settings, *, here: str = "") -> str:
    """The line at the top of every page; `here` is the page that it is on."""
    current = ' aria-current="page"' if here == "sources" else ""
    options = settings.decision.options
    return (
        '<header class="masthead"><a class="brand" href="./"><span class="sign" aria-hidden="true">'
        "<span></span><span></span></span>whichway</a>"
        f'<p class="sides"><span data-side="a">{e(options[0].name)}</span><span class="or">or</span>'
        f'<span data-side="b">{e(options[1].name)}</span></p>'
        f'<nav aria-label="Pages"><a href="sources"{current}>Sources</a><a href="docs">API</a>'
        '<button type="button" class="theme" data-do="theme" aria-label="Light or dark">'
        '<span aria-hidden="true"></span></button></nav></header>'
    )


def shell(settings: Settings) -> str:
    """The whole page with an empty conversation."""
    chips = "".join(
        f'<li><button type="button" class="chip" data-ask="{e(text)}">{e(text)}</button></li>'
        for text in examples(settings)
    )
    return clean(
        f'<div class="whichway" id="whichway" data-empty="true">{masthead(settings)}'
        '<div class="columns"><div class="reading" role="main">'
        f'<section class="hero"><h1>{e(settings.decision.question)}</h1>'
        "<p>Say what you need. You get a verdict, the case for each side, and the passages that it rests on.</p>"
        '</section><div class="thread" id="thread" aria-live="polite" aria-relevant="additions"></div>'
        '<form class="composer" id="composer"><div class="field">'
        '<label class="unseen" for="question">Your question</label>'
        f'<textarea id="question" name="question" rows="1" maxlength="{QUESTION_LIMIT}" '
        'placeholder="What do you need it for?"></textarea>'
        '<button type="submit" class="send"><span class="unseen">Ask</span>'
        '<span class="arrow" aria-hidden="true"></span></button></div></form>'
        f'<section class="examples" aria-label="Example questions"><h2>For example</h2><ul class="chips">{chips}</ul>'
        '</section></div><aside class="panel" id="panel" role="dialog" aria-labelledby="panel-title" hidden>'
        '<div class="panel-bar"><div role="group" aria-label="Citations">'
        '<button type="button" data-do="previous" title="Previous source (k)"><span class="unseen">Previous source'
        '</span><span class="icon left" aria-hidden="true"></span></button>'
        '<button type="button" data-do="next" title="Next source (j)"><span class="unseen">Next source</span>'
        '<span class="icon right" aria-hidden="true"></span></button></div>'
        '<button type="button" data-do="close" title="Close (Esc)"><span class="unseen">Close the source</span>'
        '<span class="icon cross" aria-hidden="true"></span></button></div>'
        '<div class="panel-body" id="panel-body" tabindex="-1"></div></aside></div>'
        '<p class="unseen" role="status" id="said"></p></div>'
    )
