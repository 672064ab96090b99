"""Questions with several answers as multiple response sets of SPSS: a syntax file, for no library writes them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from bot.exports.variables import Table, Variable

_LONGEST = 63  # bytes of a set's name, without its dollar sign
_LABEL = 120


def path_beside(path: Path) -> Path:
    """Return where the syntax for a .sav belongs."""
    return path.with_name(f"{path.stem}-sets.sps")


def write(path: Path, table: Table, names: Mapping[str, str], questions: Mapping[Variable, str]) -> None:
    """Write the syntax for a .sav, to run once that is open; none when no question of it takes several answers."""
    lines = list(_sets(table, names, questions))
    if lines:
        path_beside(path).write_text("".join(["* Encoding: UTF-8.\n", *lines]), "utf-8")


def _sets(table: Table, names: Mapping[str, str], questions: Mapping[Variable, str]) -> Iterator[str]:
    for variable in table.variables:
        options = [names[header] for header in variable.headers[1:]]
        if len(options) > 1:  # one alone is no set
            label = " ".join((questions[variable] or variable.name).split()).replace('"', '""')[:_LABEL].rstrip('"')
            yield (
                f"MRSETS\n  /MDGROUP NAME=${names[variable.name][:_LONGEST]} CATEGORYLABELS=VARLABELS\n"
                f'    LABEL="{label}"\n    VARIABLES={" ".join(options)}\n    VALUE=1.\n'
            )
