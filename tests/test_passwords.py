from __future__ import annotations

import pytest

from rena_pl.passwords import without_password


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql+psycopg://user:s3cret@host/rena", "postgresql+psycopg://user:***@host/rena"),
        ("at mysql://u:a:b/c@h:3306/d and x://u:p@h", "at mysql://u:***@h:3306/d and x://u:***@h"),
        ("sqlite:///runs/ledger.db", "sqlite:///runs/ledger.db"),
        ("no URL: a@b", "no URL: a@b"),
    ],
)
def test_only_a_password_is_hidden(text: str, shown: str) -> None:
    assert without_password(text) == shown
