"""A schema as tables: each field with its type, whether it must be there, and within which limits."""

from __future__ import annotations

import json
from collections.abc import Iterator

from markupsafe import Markup

from deploy.pages.contracts import Schema
from deploy.pages.elements import BREAK, COMMA, OR, both, code, joined, link, prose, relative, section, table
from deploy.pages.places import message_page
from tsunagu_contracts.schemas import schema_urn

_HEADS = (both("名前", "name"), both("型", "type"), both("必須", "required"), both("範囲", "limits"))
_LOCAL = "#/$defs/"
_LIMITS = (
    ("format", "書式", "format"),
    ("pattern", "形", "pattern"),
    ("minimum", "最小", "minimum"),
    ("maximum", "最大", "maximum"),
    ("min_length", "最短", "min. length"),
    ("max_length", "最長", "max. length"),
    ("min_items", "最少", "min. items"),
    ("max_items", "最多", "max. items"),
)


def fields(page: str, schema: Schema) -> Markup:
    """The schema's own fields, then each of its definitions under its name."""
    return joined(
        [
            section("fields", both("項目", "Fields"), _fields_table(page, schema, "項目 / fields")),
            *(
                section(f"def-{name}", code(name), _definition(page, name, each))
                for name, each in schema.definitions.items()
            ),
        ]
    )


def _definition(page: str, name: str, schema: Schema) -> Markup:
    words = prose(schema.description) if schema.description else ""
    if schema.properties:
        return joined([words, _fields_table(page, schema, name)])
    return joined([words, Markup("<p>{}</p>").format(_kind(page, schema)), _limits(schema)])


def _fields_table(page: str, schema: Schema, label: str) -> Markup:
    return table(label, _HEADS, _rows(page, schema))


def _rows(page: str, schema: Schema, prefix: str = "") -> Iterator[tuple[object, ...]]:
    for name, field in schema.properties.items():
        needed = both("必須", "yes") if name in schema.required else both("任意", "no")
        words = prose(field.description) if field.description else ""
        kind = Markup("{}{}").format(_kind(page, field), words)
        yield code(prefix + name), kind, needed, _limits(field)
        yield from _rows(page, field, f"{prefix}{name}.")


def _kind(page: str, schema: Schema) -> Markup:
    """What a value may be, in one phrase."""
    if schema.ref is not None:
        return _reference(page, schema.ref)
    if alternatives := schema.any_of or schema.one_of:
        return joined((_kind(page, each) for each in alternatives), OR)
    if schema.const is not None:
        return code(json.dumps(schema.const, ensure_ascii=False))
    if schema.enum:
        return joined((code(each) for each in schema.enum), OR)
    if schema.items is not None:
        return Markup("{} {}").format(both("並び:", "list of"), _kind(page, schema.items))
    if schema.by_pattern or isinstance(schema.additional, Schema):
        return _mapping(page, schema)
    return code(schema.type or "any")


def _mapping(page: str, schema: Schema) -> Markup:
    values = [(code(pattern), each) for pattern, each in schema.by_pattern.items()]
    if isinstance(schema.additional, Schema):
        values.append((both("名前", "name"), schema.additional))
    pairs = (Markup("{} → {}").format(name, _kind(page, each)) for name, each in values)
    return Markup("{} {}").format(both("対応:", "map"), joined(pairs, COMMA))


def _reference(page: str, ref: str) -> Markup:
    if ref.startswith(_LOCAL):
        name = ref.removeprefix(_LOCAL)
        return link(page, f"{page}#def-{name}", code(name))
    name = ref.removeprefix(schema_urn(""))
    return Markup('<a href="{}"><code>{}</code></a>').format(relative(page, message_page(name)), name)


def _limits(schema: Schema) -> Markup:
    """Everything that narrows a value beyond its type; of alternatives and lists, that of their parts."""
    parts = [*schema.any_of, *schema.one_of, *([schema.items] if schema.items else [])]
    found = [
        Markup("{} {}").format(both(japanese, english), code(value))
        for name, japanese, english in _LIMITS
        if (value := getattr(schema, name)) is not None
    ]
    if schema.default is not None:
        found.append(Markup("{} {}").format(both("省略時", "default"), code(json.dumps(schema.default))))
    return joined([*found, *filter(None, map(_limits, parts))], BREAK)
