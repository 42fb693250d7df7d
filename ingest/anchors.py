"""The address that opens a section: each site's own rule for heading anchors, or the section's words where it has none.

Measured on the links within the corpus's own pages: Learn, GitHub, Jekyll's GFM and Starlight share one rule.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, quote

from ingest.blocks import Block, Heading
from ingest.readers.tree import PLACE_OF_IMAGE


def github_slug(heading: str) -> str:
    """Lower case, punctuation dropped, each space a hyphen."""
    kept = (c for c in heading.lower() if c.isalnum() or c in " -_" or unicodedata.category(c).startswith("M"))
    return "".join(kept).replace(" ", "-")


def mkdocs_slug(heading: str) -> str:
    """ASCII only, lower case, each run of spaces and hyphens one hyphen."""
    text = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


@dataclass(frozen=True, slots=True)
class Anchors:
    """A site's rule: the slug of a heading, and what joins the count to one that occurs again."""

    slug: Callable[[str], str]
    joint: str = "-"

    @classmethod
    def of(cls, address: SplitResult) -> "Anchors":
        """The rule of the site at an address; GitHub's where it is not known, being the commonest."""
        return cls(mkdocs_slug, "_") if address.hostname in _MKDOCS_SITES else cls(github_slug)

    def fill(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """The blocks, each heading with its anchor: the one that the source gives, else by the rule."""
        seen: Counter[str] = Counter()
        for block in blocks:
            if isinstance(block, Heading):
                anchor = block.anchor or self._next(self.slug(block.text), seen)
                text = block.text.replace(PLACE_OF_IMAGE, "").strip()
                if not text:
                    continue
                block = replace(block, anchor=anchor, text=text, by_rule=not block.anchor)
            yield block

    def _next(self, slug: str, seen: Counter[str]) -> str:
        count = seen[slug]
        seen[slug] += 1
        if not count:
            return slug
        seen[f"{slug}{self.joint}{count}"] += 1
        return f"{slug}{self.joint}{count}"


_MKDOCS_SITES = frozenset({"docs.unitycatalog.io"})
_KNOWN_SITES = _MKDOCS_SITES | {"learn.microsoft.com", "docs.delta.io", "github.com", "microsoftlearning.github.io"}


def section_url(url: str, anchor: str, words: str, *, certain: bool) -> str:
    """The address of a section. `certain`: the source itself gives its heading this anchor.

    On a site whose rule is not known the heading's words are added as a text fragment, which browsers prefer.
    """
    if not url:
        return ""
    page = url.split("#")[0]
    host = page.split("/")[2] if page.count("/") >= 2 else ""
    fragment = quote(anchor, safe="-_.~!$&'()*+,;=:@/?") if anchor else ""
    if certain or host in _KNOWN_SITES or not page.startswith(("http://", "https://")):
        return f"{page}#{fragment}" if fragment else page
    if not words:
        return page
    return f"{page}#{fragment}:~:text={quote(words, safe='').replace('-', '%2D')}"
