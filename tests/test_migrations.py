"""Versions run side by side: a migration that expands takes nothing away, and its name tells who can go on."""

import ast
import re
from pathlib import Path

import pytest

from bot.migrations import Version

VERSIONS = Path(__file__).parent.parent / "alembic" / "versions"
#: What an older version that still runs could stumble over.
TAKES_AWAY = re.compile(r"drop_|rename_|create_(unique|check|foreign|primary|exclude)")
TAKES_AWAY_IN_SQL = re.compile(r"\b(drop|rename|not null)\b", re.IGNORECASE)


def written(source: str) -> tuple[str, str, str | None]:
    """Return of what kind a migration says that it is, its name, and that of the one before."""
    tree = ast.parse(source)
    kind = re.search(r"^kind: (expand|contract)$", ast.get_docstring(tree) or "", re.MULTILINE)
    names = {
        node.target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    }
    return kind[1] if kind else "", names["revision"], names["down_revision"]


def takes_away(source: str) -> list[str]:
    """Return the lines of `upgrade` that an older version could stumble over."""
    upgrade = next(one for one in ast.parse(source).body if isinstance(one, ast.FunctionDef) and one.name == "upgrade")
    calls = [node for node in ast.walk(upgrade) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [ast.unparse(call) for call in calls if _takes_away(call)]


def _takes_away(call: ast.Call) -> bool:
    assert isinstance(call.func, ast.Attribute)
    given = {key.arg: ast.unparse(key.value) for key in call.keywords}
    match call.func.attr:
        case "alter_column":
            return bool(given.keys() & {"new_column_name", "type_"}) or given.get("nullable") == "False"
        case "add_column":
            columns = [one for one in call.args if isinstance(one, ast.Call)]
            told = [{key.arg: ast.unparse(key.value) for key in column.keywords} for column in columns]
            return any(one.get("nullable") == "False" and "server_default" not in one for one in told)
        case "create_index":
            return given.get("unique") == "True"
        case "drop_index":  # what is left of one that was interrupted
            return given.get("if_exists") != "True"
        case "execute":
            return bool(TAKES_AWAY_IN_SQL.search(ast.unparse(call)))
        case name:
            return bool(TAKES_AWAY.match(name))


def test_every_migration_says_its_kind_and_one_that_expands_takes_nothing_away() -> None:
    before = Version(0, 1)
    for path in sorted(VERSIONS.glob("*.py")):
        source = path.read_text("utf-8")
        kind, revision, previous = written(source)
        version = Version.of(revision)
        assert version.number == before.number + 1, f"{path.name} is not the next: name it {before.number + 1:04}_..."
        if version.number > 1:
            assert previous == before.name
            assert kind, f"{path.name} does not say `kind: expand` or `kind: contract` in its first words"
            oldest = before.oldest if kind == "expand" else version.number
            assert revision == Version(version.number, oldest).name
            assert kind == "contract" or not takes_away(source), f"{path.name} takes away: it is a `kind: contract`"
        before = version


@pytest.mark.parametrize(
    "line",
    [
        "op.drop_column('contact', 'zone')",
        "op.rename_table('contact', 'person')",
        "op.alter_column('contact', 'zone', new_column_name='place')",
        "op.alter_column('contact', 'zone', nullable=False)",
        "op.add_column('contact', sa.Column('mood', sa.Text(), nullable=False))",
        "op.create_unique_constraint('uq', 'contact', ['zone'])",
        "op.create_index('ix', 'contact', ['zone'], unique=True)",
        "op.drop_index('ix')",
        "op.execute('ALTER TABLE contact DROP COLUMN zone')",
    ],
)
def test_what_an_older_version_would_stumble_over_is_no_expansion(line: str) -> None:
    assert takes_away(f"def upgrade():\n    {line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "op.add_column('contact', sa.Column('mood', sa.Text(), nullable=True))",
        "op.add_column('contact', sa.Column('mood', sa.Text(), nullable=False, server_default=''))",
        "op.create_table('mood', sa.Column('id', sa.Integer(), nullable=False))",
        "op.create_index('ix', 'contact', ['zone'], postgresql_concurrently=True)",
        "op.drop_index('ix', if_exists=True, postgresql_concurrently=True)",
        "op.alter_column('contact', 'zone', nullable=True)",
        "op.execute('UPDATE contact SET zone = NULL')",
    ],
)
def test_what_only_adds_is_an_expansion(line: str) -> None:
    assert takes_away(f"def upgrade():\n    {line}\n\ndef downgrade():\n    op.drop_table('mood')\n") == []
