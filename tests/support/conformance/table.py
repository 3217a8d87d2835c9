"""The matrix for people."""

from pathlib import Path
from typing import Final

from tests.support.conformance.faults import FAULTS, UNSAYABLE
from tests.support.conformance.features import CLIENTS, PROVIDERS, Feature
from tests.support.conformance.rows import ANSWERS, PROMPTS, TOOLS

FEATURES: Final = (*PROMPTS, *TOOLS, *ANSWERS, *FAULTS, *UNSAYABLE)


README: Final = Path(__file__).parents[3] / "README.md"
BEGIN: Final = "<!-- begin: python -m tests.support.conformance -->\n"
END: Final = "<!-- end -->\n"


def in_readme() -> str:
    """The table that stands in the README."""
    return README.read_text().partition(BEGIN)[2].partition(END)[0]


def write_readme() -> None:
    """Put the table into the README, in place of the one that stands there."""
    before, begin, rest = README.read_text().partition(BEGIN)
    README.write_text(before + begin + markdown() + END + rest.partition(END)[2])


def markdown() -> str:
    """One table: a row for each feature, a column for each client at each provider."""
    columns = [(client, provider) for client in CLIENTS for provider in PROVIDERS]
    lines = ["| | " + " | ".join(f"{c} → {p}" for c, p in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    lines += [_row(feature, columns) for feature in FEATURES]
    return "\n".join(lines) + "\n"


def _row(feature: Feature, columns: list[tuple[str, str]]) -> str:
    return f"| {feature.name} | " + " | ".join(feature.outcome(*at) for at in columns) + " |"
