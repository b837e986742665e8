"""Write the published contracts, or check that the committed ones still hold: `python -m tsunagu_contracts.publish`.

The committed files are the baseline: what they promise to readers may be added to and never taken back.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tsunagu_contracts.asyncapi import asyncapi_document
from tsunagu_contracts.compatibility import breaking_changes
from tsunagu_contracts.errors import Refusal
from tsunagu_contracts.examples import ExampleKeys, example_names, rewritten
from tsunagu_contracts.schemas import published_schemas, write_json
from tsunagu_contracts.strict_json import parse_object
from tsunagu_contracts.topic_compatibility import breaking_topic_changes

SCHEMAS = "schemas"
EXAMPLES = "examples"
EARLIER = "earlier"
"""Folder beside the examples with what earlier writers wrote: it must be read for ever, and is never rewritten."""
ASYNCAPI = "asyncapi/tsunagu.json"
KEYS = "keys/example-keys.json"

_COMMAND = "python -m tsunagu_contracts.publish"


def generated_files() -> dict[str, bytes]:
    """What the code says, by path below the contracts' folder."""
    files = {f"{SCHEMAS}/{name}.json": write_json(schema) for name, schema in published_schemas().items()}
    return files | {ASYNCAPI: write_json(asyncapi_document())}


def broken_promises(root: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Each incompatible change from the committed files to what the code says."""
    for path in sorted((root / SCHEMAS).glob("*.json")):
        name, place = path.stem, f"{SCHEMAS}/{path.name}"
        if place not in files:
            yield f"{name}: type removed: messages of it stand in the logs, and readers know it"
            continue
        changes = breaking_changes(parse_object(path.read_bytes()), parse_object(files[place]))
        yield from (f"{name}: {change}" for change in changes)
    if (root / ASYNCAPI).exists():
        yield from breaking_topic_changes(parse_object((root / ASYNCAPI).read_bytes()), parse_object(files[ASYNCAPI]))


def stale_files(root: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Each generated file that is not committed as the code says."""
    for place, content in files.items():
        path = root / place
        if not path.exists():
            yield f"{place}: missing; run {_COMMAND}"
        elif path.read_bytes() != content:
            yield f"{place}: differs from the code; run {_COMMAND}"


def example_faults(root: Path) -> Iterator[str]:
    """Each golden message that is missing, can no longer be read, or would be written otherwise today."""
    keys = _keys(root)
    for name in example_names():
        path = root / EXAMPLES / f"{name}.json"
        if not path.exists():
            yield f"{EXAMPLES}/{path.name}: missing; add a golden message of this type"
            continue
        raw = path.read_bytes()
        try:
            if rewritten(name, raw, keys) != raw:
                yield f"{EXAMPLES}/{path.name}: the code writes other bytes; run {_COMMAND}"
        except Refusal as refusal:
            yield f"{EXAMPLES}/{path.name}: can no longer be read: {refusal}"
    yield from _earlier_faults(root, keys)


def _earlier_faults(root: Path, keys: ExampleKeys) -> Iterator[str]:
    for path in sorted((root / EXAMPLES / EARLIER).glob("*.json")):
        try:
            rewritten(_name_of_earlier(path), path.read_bytes(), keys)
        except Refusal as refusal:
            yield f"{EXAMPLES}/{EARLIER}/{path.name}: can no longer be read: {refusal}"


def renew_examples(root: Path) -> Iterator[str]:
    """Write anew each golden message that today's code writes otherwise; the earlier bytes are kept to be read."""
    keys = _keys(root)
    for name in example_names():
        path = root / EXAMPLES / f"{name}.json"
        if not path.exists():
            continue
        raw = path.read_bytes()
        try:
            today = rewritten(name, raw, keys)
        except Refusal:
            continue  # example_faults tells of it
        if today != raw:
            earlier = root / EXAMPLES / EARLIER
            earlier.mkdir(exist_ok=True)
            (earlier / f"{name}.{len(list(earlier.glob(f'{name}.*.json'))) + 1}.json").write_bytes(raw)
            path.write_bytes(today)
            yield f"{EXAMPLES}/{path.name}"


def check(root: Path) -> list[str]:
    """Everything that is wrong with the committed contracts."""
    files = generated_files()
    return [*broken_promises(root, files), *stale_files(root, files), *example_faults(root)]


def publish(root: Path) -> tuple[list[str], list[str]]:
    """Write what differs and return its paths, and what is wrong; nothing is written over a broken promise."""
    files = generated_files()
    broken = list(broken_promises(root, files))
    if broken:
        return [], [*broken, "nothing was written: make a new type (`….v2`) beside the old one instead"]
    changed = [place for place, content in files.items() if _differs(root / place, content)]
    for place in changed:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_bytes(files[place])
    changed += renew_examples(root)
    return changed, list(example_faults(root))


def _differs(path: Path, content: bytes) -> bool:
    return not path.exists() or path.read_bytes() != content


def _keys(root: Path) -> ExampleKeys:
    return ExampleKeys.parse((root / EXAMPLES / KEYS).read_bytes())


def _name_of_earlier(path: Path) -> str:
    """`a.b.v1` of `a.b.v1.3.json`."""
    return path.stem.rpartition(".")[0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when the committed contracts hold, 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, only say what is wrong")
    parser.add_argument(
        "--root", type=Path, default=Path(__file__).resolve().parents[1], help="the contracts' folder (default: ours)"
    )
    options = parser.parse_args(arguments)
    written, wrong = ([], check(options.root)) if options.check else publish(options.root)
    for place in written:
        sys.stdout.write(f"written: {place}\n")
    for line in wrong:
        sys.stderr.write(f"✗ {line}\n")
    if not wrong:
        sys.stdout.write("contracts: committed files, examples and code agree\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
