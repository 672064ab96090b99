"""Which weighted shares may stand beside unweighted ones.

Whoever has the counts of an answer, its weighted share and the weights, which follow from what is declared, may work
out how many of each class of weight gave it. So a share is shown only where that table could be printed as a whole: no
small count in it, and room for those of the answers whose shares are not shown. A table of two ways has this room in
closed form: it lies between the least and the most that a cell can be when the sums of its row and column are known.
"""

from collections.abc import Collection, Mapping, Sequence

from bot.disclosure.suppression import THRESHOLD

#: How many people of each class gave an answer; the classes are in one order.
Table = Mapping[str, Sequence[int]]


def showable(
    table: Table,
    least: int = THRESHOLD,
    closed: Collection[str] = (),
    moved: Collection[str] = (),
    floors: Table | None = None,
) -> set[str]:
    """Return the answers whose weighted shares may be shown; together they are everybody, each person once.

    `closed` are those whose number is hidden anyway; `moved` those of which a class differs by few from a table that
    was behind an earlier share; `floors` are the least that readers know of it.
    """
    small = {code for code, column in table.items() if any(0 < count < least for count in column)}
    gone = small | (table.keys() & {*closed, *moved})
    rest = sorted(table.keys() - gone, key=lambda code: (sum(table[code]), code))
    while gone and not _has_room(table, gone, least, moved, floors or {}):
        if not rest:
            return set()
        gone.add(rest.pop(0))
    return set(rest)


def _has_room(table: Table, gone: Collection[str], least: int, moved: Collection[str], floors: Table) -> bool:
    """Tell whether each count that needs it could be any of so many, for who knows all sums of the hidden ones."""
    nothing = [0] * len(next(iter(table.values())))
    spare = {
        code: [count - floor for count, floor in zip(table[code], floors.get(code, nothing), strict=True)]
        for code in gone
    }
    rows = [sum(cells) for cells in zip(*spare.values(), strict=True)]
    total = sum(rows)
    return all(
        min(row, sum(column)) - max(0, row + sum(column) - total) >= least
        for code, column in spare.items()
        for row, count in zip(rows, table[code], strict=True)
        if count and (count < least or code in moved)
    )
