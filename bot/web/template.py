"""Gradio's page template, made ours: a nonce on every script, our style and script, no foreign addresses.

The nonce is put into the template's source, never into rendered pages: what a document or a setting brings into a
page cannot pick one up.
"""

import re

from kb.errors import WhichwayError

_SCRIPT = re.compile(r"<script(?=[\s>])")
_FOREIGN_META = re.compile(r'\s*<meta\s[^>]*?(?:property="og:|name="twitter:)[^>]*>', re.S)
_MANIFEST = re.compile(r'\s*<link rel="manifest"[^>]*>')

_HEAD = """<meta charset="utf-8" />
		<title>whichway</title>
		<meta name="description" content="Which platform should I use? A verdict with citations." />
		<meta name="color-scheme" content="light dark" />
		<link rel="icon" type="image/svg+xml" href="ui/icon.svg" />
		<link rel="stylesheet" href="ui/app.css?v={version}" />
		<script src="ui/app.js?v={version}"></script>"""


def own_template(source: str, *, version: str) -> str:
    """The source of Gradio's `index.html`, changed. WhichwayError where it is not the template that we know."""
    if '<meta charset="utf-8" />' not in source or "gradio_config" not in source:
        raise WhichwayError("this Gradio's page template is unknown; install the versions of requirements.lock")
    changed = _MANIFEST.sub("", _FOREIGN_META.sub("", source))
    changed = changed.replace('<meta charset="utf-8" />', _HEAD.format(version=version), 1)
    return _SCRIPT.sub('<script nonce="{{ request.state.nonce }}"', changed)
