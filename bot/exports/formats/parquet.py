"""Parquet: typed columns, row group by row group; why a value is missing stands in a column beside it."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.exports.cells import Cells
from bot.exports.columns import Block, Column
from bot.exports.formats.base import Target
from bot.exports.variables import Kind, Table, Variable

if TYPE_CHECKING:
    import pyarrow as pa


def reason(header: str) -> str:
    """Return the name of the column that says why the value of another is missing."""
    return f"{header}.missing"


class Parquet:
    """One file for each table; codes, numbers and days, options as 0 and 1."""

    def __init__(
        self, target: Target, tables: list[Table], cells: dict[Variable, Cells], kinds: dict[Variable, Kind]
    ) -> None:
        import pyarrow.parquet as pq

        self._cells, self._kinds = cells, kinds
        self.paths = {table: target.path("", ".parquet", table) for table in tables}
        self._schemas = {table: self._schema(table) for table in tables}
        self._files = {
            table: pq.ParquetWriter(path, self._schemas[table], compression="zstd")
            for table, path in self.paths.items()
        }
        self._rows = dict.fromkeys(tables, 0)

    def _schema(self, table: Table) -> "pa.Schema":
        import pyarrow as pa

        types = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.DATE: pa.date32()}
        fields = [(name, pa.int32() if name in table.numbers else types[kind]) for name, kind in _head(table)]
        for variable in table.variables:
            fields += [(variable.name, types[self._kinds[variable]]), (reason(variable.name), pa.string())]
            fields += [(header, pa.int8()) for header in variable.headers[1:]]
        return pa.schema(fields)

    def add(self, block: Block) -> None:
        """Write some lines as a row group."""
        import pyarrow as pa

        table, schema = block.table, self._schemas[block.table]
        heads = zip(*block.heads, strict=True)
        arrays = [
            pa.array([_typed(cell, kind) for cell in cells]).cast(schema.field(name).type)
            for (name, kind), cells in zip(_head(table), heads, strict=True)
        ]
        for column in block.columns:
            arrays += self._arrays(column)
        self._files[table].write_table(pa.table(arrays, schema=schema))
        self._rows[table] += len(block.people)

    def _arrays(self, column: Column) -> "list[pa.Array]":
        """Return value, reason and options: each worked out once for a distinct reply."""
        import pyarrow as pa

        variable, cells = column.variable, self._cells[column.variable]
        kind, where = self._kinds[variable], pa.array(column.indexes, pa.int32())
        values = [_typed(cells.value(given), kind) for given in column.distinct]
        types = {Kind.TEXT: pa.string(), Kind.NUMBER: pa.float64(), Kind.DATE: pa.date32()}
        found = [pa.array(values, types[kind]).take(where)]
        found.append(pa.array([given.missing for given in column.distinct], pa.string()).take(where))
        marks = [list(cells.marks(given)) for given in column.distinct]
        for number in range(len(variable.options)):
            marked = [int(mark[number]) if mark[number] in "01" else None for mark in marks]
            found.append(pa.array(marked, pa.int8()).take(where))
        return found

    def close(self, newest: date) -> dict[Path, int]:
        """Finish the files."""
        self.abandon()
        return {path: self._rows[table] for table, path in self.paths.items()}

    def abandon(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


def _head(table: Table) -> list[tuple[str, Kind]]:
    return list(zip(table.head, table.head_kinds, strict=True))


def _typed(cell: str, kind: Kind) -> Any:
    if not cell:
        return None
    if kind is Kind.NUMBER:
        return float(cell)
    return date.fromisoformat(cell) if kind is Kind.DATE else cell
