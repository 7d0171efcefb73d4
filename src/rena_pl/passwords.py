"""Passwords in the URLs of databases, which are for nobody else to see."""

from __future__ import annotations

import re

PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")


def without_password(text: str) -> str:
    """A text in which the password of every URL is `***`."""
    return PASSWORD.sub(r"\1***@", text)
