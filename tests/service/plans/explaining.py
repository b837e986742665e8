"""How PostgreSQL means to answer a statement, and what of it grows with the number of rows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from tests.service.plans.capturing import Statement

MANY = 50_000
"""So many rows are never to be read for one batch; a table with fewer does not grow with the number of referrals."""
FEW = 1_000
"""So many are never to be read again for each row of a batch."""
DEAR = 20_000
"""What no statement is to cost by PostgreSQL's estimate; to read a million short rows costs as much."""

MODES = ("force_custom_plan", "force_generic_plan")
"""With its parameters known, and without: PostgreSQL turns to the latter for what is prepared and often executed."""

_RELATIONS = """
    SELECT relname AS name, reltuples AS rows, false AS partial FROM pg_class WHERE relkind = 'r'
    UNION ALL
    SELECT indexrelid::regclass::text, reltuples, indpred IS NOT NULL
    FROM pg_index JOIN pg_class ON pg_class.oid = indrelid
"""
_SCANS_BY_INDEX = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")
_GATHERS = ("Sort", "Hash", "Materialize", "Aggregate")

Node = Mapping[str, Any]  # the JSON of EXPLAIN


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, or an index by what it stands on: how many rows, and whether only some of them are in it."""

    rows: float
    partial: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan for a statement: its nodes, outermost first, its estimated cost, and what is wrong with it."""

    statement: Statement
    mode: str
    nodes: tuple[str, ...]
    cost: float
    findings: tuple[str, ...]
    text: str


async def explain(connection: asyncpg.Connection, statement: Statement, mode: str) -> Plan:
    """Explain a statement with the parameters it was executed with; nothing is executed."""
    known = {row["name"]: Relation(row["rows"], row["partial"]) for row in await connection.fetch(_RELATIONS)}
    arguments = f"({', '.join(statement.parameters)})" if statement.parameters else ""
    await connection.execute(f"SET plan_cache_mode = {mode}")
    # Types are told by the text alone, as for the statements that asyncpg prepares.
    await connection.execute(f"PREPARE captured AS {statement.sql}")
    explained = await connection.fetchval(f"EXPLAIN (FORMAT JSON) EXECUTE captured{arguments}")
    lines = await connection.fetch(f"EXPLAIN EXECUTE captured{arguments}")
    await connection.execute("DEALLOCATE captured")
    top: Node = json.loads(explained)[0]["Plan"]
    nodes = list(_walk(top, repeated=False))
    findings = [found for node, repeated in nodes if (found := _wrong(node, known, repeated=repeated))]
    if top["Total Cost"] >= DEAR:
        findings.append(f"costs {top['Total Cost']}")
    return Plan(
        statement,
        mode,
        tuple(_name(node) for node, _ in nodes),
        top["Total Cost"],
        tuple(findings),
        "\n".join(line[0] for line in lines),
    )


def _walk(node: Node, *, repeated: bool) -> Iterator[tuple[Node, bool]]:
    yield node, repeated
    for child in node.get("Plans", ()):
        inner = node["Node Type"] == "Nested Loop" and child["Parent Relationship"] == "Inner"
        yield from _walk(child, repeated=repeated or inner or child["Parent Relationship"] == "SubPlan")


def _wrong(node: Node, known: Mapping[str, Relation], *, repeated: bool) -> str | None:
    kind, most = node["Node Type"], FEW if repeated else MANY
    if kind == "Seq Scan" and known[node["Relation Name"]].rows >= most:
        return f"reads all of {node['Relation Name']}"
    if kind in _SCANS_BY_INDEX and "Index Cond" not in node:
        index = known[node["Index Name"]]
        # What is in a partial index is what is looked for, unless that is done again for each row.
        if index.rows >= most and (repeated or not index.partial):
            return f"reads all of {node['Index Name']}"
    if kind in _GATHERS and node["Plan Rows"] >= MANY:
        return f"{kind.lower()} of {node['Plan Rows']} rows"
    return None


def _name(node: Node) -> str:
    what = node.get("Index Name") or node.get("Relation Name") or node.get("Function Name") or node.get("CTE Name")
    return f"{node['Node Type']} {what}" if what else str(node["Node Type"])
