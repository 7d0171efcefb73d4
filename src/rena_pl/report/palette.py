"""The colours of a report, in light and dark; told apart by people who are colour-blind too.

Series colours are after Okabe and Ito (2008), made darker or lighter for their paper.
"""

from __future__ import annotations

import re

COLOURS = {
    "paper": ("#ffffff", "#14171a"),
    "raised": ("#f5f6f7", "#1d2125"),
    "ink": ("#1b1f24", "#e9ebed"),
    "soft": ("#565d66", "#a9b1ba"),
    "line": ("#dcdfe3", "#333a41"),
    "blue": ("#0067a5", "#5db4ec"),
    "orange": ("#c2560a", "#f09a57"),
    "green": ("#00805d", "#3cc79c"),
    "pink": ("#a63d7d", "#e297c4"),
    "gold": ("#8a6d00", "#dcc04a"),
    "grey": ("#7a828c", "#858e98"),
    "shade": ("#f3e9e2", "#2c2521"),
    "hatch": ("#dfc3b0", "#57443a"),
}
"""By name: what it is in light and in dark."""

SERIES = ("blue", "orange", "green", "pink", "gold", "grey")
"""The colours of several runs, in this order."""


def variables(dark: bool) -> str:
    """The colours as CSS custom properties."""
    return "".join(f"--{name}:{shades[dark]};" for name, shades in COLOURS.items())


def in_light(text: str) -> str:
    """A drawing with the light colours in place of the custom properties, for viewers without."""
    return re.sub(rf"var\(--({'|'.join(COLOURS)})\)", lambda match: COLOURS[match[1]][0], text)
