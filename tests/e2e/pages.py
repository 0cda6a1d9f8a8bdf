"""Parse the project's Markdown pages: headings, links, tables and code blocks."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.processes import ROOT


@dataclass(frozen=True)
class Page:
    """A page. `name`: its path from the root of the repository, such as `docs/caching.md`."""

    name: str

    @property
    def path(self) -> Path:
        return ROOT / self.name

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def _tokens(self) -> list[Token]:
        return MarkdownIt("gfm-like", {"linkify": False}).parse(self.text)

    def blocks(self, *languages: str) -> list[tuple[str, str]]:
        """Return the language and the text of each code block in one of these languages."""
        fences = [token for token in self._tokens if token.type == "fence"]
        return [(fence.info, fence.content) for fence in fences if fence.info in languages]

    @property
    def languages(self) -> list[str]:
        return [token.info for token in self._tokens if token.type == "fence"]

    @property
    def headings(self) -> list[tuple[str, str]]:
        """Return the tag and the text of each heading: `("h2", "Try it with curl")`."""
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        return [
            (opening.tag, text.content) for opening, text in pairs if opening.type == "heading_open"
        ]

    @property
    def anchors(self) -> set[str]:
        """Return the fragments (`#...`) that links to this page may have.

        https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
        """
        seen: Counter[str] = Counter()
        anchors = set(re.findall(r'<a id="(\w+)"></a>', self.text))
        for _, title in self.headings:
            slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
            anchors.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
            seen[slug] += 1
        return anchors

    @property
    def links(self) -> list[str]:
        """Return the targets of all links and pictures."""
        inline = [child for token in self._tokens for child in token.children or []]
        targets = [child.attrs.get("href") or child.attrs.get("src") for child in inline]
        return [str(target) for target in targets if target]

    def table(self, start: str) -> list[list[str]]:
        """Return the cells of each table row whose first cell starts with `start`."""
        rows = [line.strip("| ").split(" | ") for line in self.text.splitlines() if line[:1] == "|"]
        return [row for row in rows if row[0].startswith(start)]


FOLDERS = (".", "docs", "frontend/client", "frontend/demo", "frontend/widget", "tests", "bench")
PAGES = [
    Page(str(path.relative_to(ROOT)))
    for name in FOLDERS
    for path in sorted((ROOT / name).glob("*.md"))
]
README = Page("README.md")
FRONTEND = Page("docs/frontend.md")
WIDGET_README = Page("frontend/widget/README.md")
HTTP_API = Page("docs/http-api.md")
CONFIGURATION = Page("docs/configuration.md")
OPERATIONS = Page("docs/operations.md")
GUARANTEES = Page("docs/guarantees.md")
DEPLOY = Page("docs/deploy.md")
