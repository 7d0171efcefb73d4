"""What the README and the pages of `docs` tell people to type."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import dedent

from tests.conftest import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^( *)```(?P<info>[^\n]*)\n(?P<text>.*?)^\1```$", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_COMMENT = re.compile(r"(^|\s+)#\s.*$")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        page: The page's path in the repository.
        line: Of its fence.
        language: The first word after the fence.
        title: The name of the file that it shows, if it says one.
        text: What stands in it.
    """

    page: str
    line: int
    language: str
    title: str | None
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """One a line, without comments; a script is one command."""
        if self.text.startswith("#!"):
            return [self.text]
        lines = self.text.replace("\\\n", " ").splitlines()
        return [command for line in lines if (command := _COMMENT.sub("", line).strip())]


def _blocks() -> list[Block]:
    found = []
    for path in PAGES:
        page = path.read_text()
        for match in _FENCE.finditer(page):
            language, _, rest = match["info"].partition(" ")
            title = re.search(r'title="([^"]+)"', rest)
            found.append(
                Block(
                    path.relative_to(REPOSITORY).as_posix(),
                    page.count("\n", 0, match.start()) + 1,
                    language,
                    title[1] if title else None,
                    dedent(match["text"]),
                )
            )
    return found


def _inline() -> set[str]:
    pages = (_FENCE.sub("", path.read_text()) for path in PAGES)
    return {" ".join(match[1].split()) for page in pages for match in _INLINE.finditer(page)}


BLOCKS = _blocks()
INLINE = _inline()
"""All code that stands in the middle of sentences."""


def titled(page: str) -> dict[str, str]:
    """The files that a page shows, by name."""
    return {block.title: block.text for block in BLOCKS if block.page == page and block.title}
