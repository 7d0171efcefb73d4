"""The README's links; those of the other pages are checked where the site is built."""

from __future__ import annotations

import re

from tests.conftest import REPOSITORY


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (REPOSITORY / "README.md").read_text())
    assert "docs/search.md" in links
    assert [link for link in links if not (REPOSITORY / link).is_file()] == []
