"""The pages of the contracts: one per topic, one per type of message, and what the front page says of both."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from markupsafe import Markup
from pydantic import JsonValue

from deploy.pages.contracts import Channel, Contracts, Message
from deploy.pages.elements import BREAK, COMMA, Page, block, both, code, facts, joined, link, prose, section, table
from deploy.pages.fields import fields
from deploy.pages.places import RAW, message_page, topic_page
from tsunagu_contracts.publish import ASYNCAPI, EXAMPLES, SCHEMAS

_DAY_MS = 24 * 60 * 60 * 1000
_LONGEST_SHOWN = 160
"""Characters of a string in an example; tokens and ciphertexts go on for thousands that nobody reads."""


def topic_pages(contracts: Contracts) -> Iterator[Page]:
    """One page per channel."""
    for name, channel in contracts.document.channels.items():
        path = topic_page(name)
        body = joined(
            [
                _heading(both("トピック", "Topic"), channel.address),
                prose(channel.description),
                facts(_topic_facts(contracts, name, channel)),
                section("messages", both("メッセージ", "Messages"), _messages(contracts, path, name)),
                _source(path, ASYNCAPI),
            ]
        )
        yield Page(path, channel.address, body)


def message_pages(contracts: Contracts) -> Iterator[Page]:
    """One page per schema: types of messages, and the tokens and envelopes that stand in them."""
    for name in contracts.schemas:
        path = message_page(name)
        message = contracts.document.components.messages.get(name)
        yield Page(path, name, _message_body(contracts, path, name, message))


def front(contracts: Contracts, path: str) -> Markup:
    """Services and topics as one table, then every type of message."""
    document = contracts.document
    tokens = [name for name in contracts.schemas if name not in document.components.messages]
    return joined(
        [
            section("topics", both("だれが書き、だれが読むか", "Who writes, who reads"), _matrix(contracts, path)),
            section("messages", both("メッセージ", "Messages"), *_by_topic(contracts, path)),
            section(
                "tokens",
                both("封筒とトークン", "Envelopes and tokens"),
                table(
                    "封筒とトークン / envelopes and tokens",
                    (both("名前", "name"), both("内容", "what it is")),
                    ((link(path, message_page(name), code(name)), _described(contracts, name)) for name in tokens),
                ),
            ),
        ]
    )


def _heading(kind: Markup, name: str) -> Markup:
    return Markup('<p class="kind">{}</p><h1>{}</h1>').format(kind, code(name))


def _topic_facts(contracts: Contracts, name: str, channel: Channel) -> Iterator[tuple[Markup, object]]:
    topic = channel.bindings["kafka"]
    retention = topic.configuration.retention_ms
    days = retention // _DAY_MS
    yield both("書く", "written by"), joined(map(code, contracts.document.applications(name, "send")), COMMA)
    yield both("読める", "may be read by"), joined(map(code, contracts.document.applications(name, "receive")), COMMA)
    yield both("ほかの利用者", "anybody else"), both("できない", "denied")
    yield (
        both("キー", "key"),
        Markup("{} {}").format(both("つぎの id:", "id of"), joined(map(code, channel.aggregates), COMMA)),
    )
    yield both("パーティション", "partitions"), topic.partitions
    kept = both("消さない", "for ever") if retention < 0 else both(f"{days} 日", f"{days} days")
    yield both("保存", "kept"), kept
    for parameter, each in channel.parameters.items():
        words = Markup("{}{} {}").format(
            prose(each.description), both("例", "e.g."), joined(map(code, each.examples), COMMA)
        )
        yield code(parameter), words


def _matrix(contracts: Contracts, path: str) -> Markup:
    document = contracts.document
    applications = list(dict.fromkeys(each.application for each in document.operations.values()))
    rows = []
    for name, channel in document.channels.items():
        writers, readers = document.applications(name, "send"), document.applications(name, "receive")
        marks = (_mark(writes=each in writers, reads=each in readers) for each in applications)
        rows.append((link(path, topic_page(name), code(channel.address)), *marks))
    heads = (both("トピック", "topic"), *map(code, applications))
    return table("だれが書き、だれが読むか / who writes, who reads", heads, rows)


def _mark(*, writes: bool, reads: bool) -> Markup:
    marks = [*([both("書く", "writes")] if writes else []), *([both("読む", "reads")] if reads else [])]
    return joined(marks, BREAK) or Markup("–")


def _by_topic(contracts: Contracts, path: str) -> Iterator[Markup]:
    for name, channel in contracts.document.channels.items():
        yield Markup("<h3>{}</h3>").format(link(path, topic_page(name), code(channel.address)))
        yield _messages(contracts, path, name)


def _messages(contracts: Contracts, path: str, channel: str) -> Markup:
    messages = contracts.document.components.messages
    heads = (both("型", "type"), both("内容", "what it says"))
    rows = (
        (link(path, message_page(name), code(name)), prose(messages[name].summary))
        for name in contracts.document.channels[channel].messages
    )
    return table(f"{channel}: メッセージ / messages", heads, rows)


def _topics(contracts: Contracts, path: str, message: str) -> Markup:
    channels = contracts.document.channels
    found = contracts.document.channels_of(message)
    return joined((link(path, topic_page(name), code(channels[name].address)) for name in found), COMMA)


def _message_body(contracts: Contracts, path: str, name: str, message: Message | None) -> Markup:
    parts: list[object] = [_heading(both("メッセージ", "Message") if message else both("部品", "Part"), name)]
    parts.append(_described(contracts, name))
    if message is not None:
        parts.append(facts(_message_facts(contracts, path, message)))
    parts.append(fields(path, contracts.schemas[name]))
    if name in contracts.examples:
        parts.append(section("example", both("例", "Example"), *_example(contracts.examples[name])))
        parts.append(_source(path, f"{EXAMPLES}/{name}.json"))
    parts.append(_source(path, f"{SCHEMAS}/{name}.json"))
    return joined(parts)


def _described(contracts: Contracts, name: str) -> Markup:
    return prose(contracts.schemas[name].description or "")


def _message_facts(contracts: Contracts, path: str, message: Message) -> Iterator[tuple[Markup, object]]:
    yield both("トピック", "topic"), _topics(contracts, path, message.name)
    yield both("キー", "key"), prose(message.bindings["kafka"].key.description or "")
    if message.manifest is not None:
        envelope = message.payload.place.name
        shown = Markup("{}{}").format(
            link(path, message_page(envelope), code(envelope)), prose(message.description or "")
        )
        yield both("封筒", "envelope"), shown
    yield both("形式", "content type"), code(message.content_type or contracts.document.content_type)
    for trait in message.traits:
        headers = contracts.document.components.traits[trait.name].headers
        for header, schema in headers.properties.items():
            yield both("ヘッダー", "header"), Markup("{} {}").format(code(header), prose(schema.description or ""))


def _example(raw: bytes) -> Iterator[Markup]:
    """The golden message, and of an agency's also what its manifest signs."""
    value: JsonValue = json.loads(raw)
    yield block("例 / example", _shown(value))
    if isinstance(value, dict) and isinstance(token := value.get("manifest"), str):
        _, payload, _ = token.split(".")
        signed: JsonValue = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        yield Markup("<h3>{}</h3>").format(both("署名されている送り状", "The manifest that is signed"))
        yield block("送り状 / manifest", _shown(signed))


def _shown(value: JsonValue) -> str:
    return json.dumps(_shortened(value), ensure_ascii=False, indent=2)


def _shortened(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _shortened(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each) for each in value]
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        return f"{value[:60]}… ({len(value)} characters)"
    return value


def _source(path: str, file: str) -> Markup:
    return Markup('<p class="source">{} {}</p>').format(
        both("原文", "as published:"), link(path, RAW + file, code(file))
    )
