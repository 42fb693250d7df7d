"""Where a file of a known documentation checkout is published, and where a file under a `base_url` is."""

import re
from pathlib import PurePosixPath
from urllib.parse import quote

_KNOWN: tuple[tuple[str, str, str], ...] = (
    (
        r"MicrosoftDocs(?:__|/)azure-ai-docs/articles/(.+)\.(?:md|yml)",
        "https://learn.microsoft.com/en-us/azure/{}",
        "page",
    ),
    (
        r"MicrosoftDocs(?:__|/)azure-docs/articles/(.+)\.(?:md|yml)",
        "https://learn.microsoft.com/en-us/azure/{}",
        "page",
    ),
    (
        r"MicrosoftDocs(?:__|/)azure-databricks-docs/articles/(.+)\.(?:md|yml)",
        "https://learn.microsoft.com/en-us/azure/databricks/{}",
        "page",
    ),
    (
        r"MicrosoftDocs(?:__|/)well-architected/well-architected/(.+)\.(?:md|yml)",
        "https://learn.microsoft.com/en-us/azure/well-architected/{}",
        "page",
    ),
    (
        r"MicrosoftDocs(?:__|/)architecture-center/docs/(.+)\.(?:md|yml)",
        "https://learn.microsoft.com/en-us/azure/architecture/{}",
        "page",
    ),
    (r"MicrosoftLearning(?:__|/)(mslearn-[\w-]+/.+)\.md", "https://microsoftlearning.github.io/{}.html", "jekyll"),
    (r"delta-io(?:__|/)delta/docs/src/content/docs/(.+)\.mdx?", "https://docs.delta.io/{}/", "folder"),
    (r"unitycatalog(?:__|/)unitycatalog/docs/(.+)\.md", "https://docs.unitycatalog.io/{}/", "folder"),
)
_DEFAULT_BRANCH = {"delta-io/delta": "master"}
_CHECKOUT = re.compile(r"(?:^|/)([A-Za-z0-9-]+)__([A-Za-z0-9._-]+)/(.+)$")


def known_address(path: str) -> str:
    """The public address of a file in a checkout of a known project (`owner__name/...`), "" where there is none.

    A file that no pattern knows is on GitHub, as the checkout's name says.
    """
    for pattern, template, kind in _KNOWN:
        match = re.search(rf"(?:^|/){pattern}$", path)
        if match:
            return _filled(template, match[1], kind)
    if checkout := _CHECKOUT.search(path):
        owner, name, rest = checkout.groups()
        branch = _DEFAULT_BRANCH.get(f"{owner}/{name}", "main")
        return f"https://github.com/{owner}/{name}/blob/{branch}/{quote(rest, safe='/-._~')}"
    return ""


def address_under(base_url: str, relative: str) -> str:
    """The address of a file below a base address: its suffix dropped, and `index` or `README` with it."""
    path = PurePosixPath(relative).with_suffix("").as_posix()
    if path.split("/")[-1].lower() in ("index", "readme"):
        path = path[: -len(path.split("/")[-1])]
    return base_url.rstrip("/") + "/" + quote(path)


def _filled(template: str, page: str, kind: str) -> str:
    last = page.split("/")[-1]
    if last == "index":
        above = page[: -len("index")]
        return template.removesuffix(".html").removesuffix("/").replace("{}", "") + above
    return template.replace("{}", page)
