"""The config parser's messages as one sentence for people."""

from __future__ import annotations

import re

REWRITES = [
    (r"Does not validate against any of the Union subtypes Subtypes: \[.*?\] Errors:", ""),
    (r" - Expected a <class 'NoneType'>", ""),
    (r"Expected (?:an? )?path but .*? either not accessible or invalid( - )?", ""),
    (
        r"^.*arguments are required: (?:fit\.)?data\b.*$",
        "give --config FILE (see configs/) or --data CLASS",
    ),
    (r"Given value type: <class '[^']*'> ", ""),
    (r" Given value: (NestedArg|Namespace)\(.*$", ""),
    (r"(Option '[^']*' is not accepted).*$", r"\1"),
    (r"Given value: ", "but got "),
    (r"(Got value: .*?) but got [{\[].*$", r"\1"),
    (r"<class '([^']*)'>", r"\1"),
    (r"Parser key \"([^\"]*)\":", r"\1:"),
    (r"Problem with given class_path '([^']*)':", r"\1:"),
    (r"Expected an? ", "expected "),
    (r"typing\.Literal\[([^\]]*)\]", r"\1"),
    (r"(expected \S+) - expected ", r"\1 or "),
    (r"(^|: ) *(?:- +)+", r"\1"),
    (r"\s+", " "),
]


def sentence(error: Exception) -> str:
    """What is wrong, on one line, without the parser's inner workings."""
    text = " ".join(str(error).split())
    for pattern, replacement in REWRITES:
        text = re.sub(pattern, replacement, text)
    return text.strip()
