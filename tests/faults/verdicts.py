"""What recorded histories must be like, as pure questions; each answers with what is wrong, or with nothing."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from tests.faults.histories import Versions
from tests.faults.recording import Step
from tsunagu_contracts.encoding import digest

T = TypeVar("T", bound=Hashable)


def walked(name: str, steps: Sequence[Step], end: int) -> list[str]:
    """Steps from 0 to the end: each begins where the one before came to and goes forward."""
    wrong, at = [], 0
    for step in steps:
        if step.before > at:
            wrong.append(f"{name}: from {at} to {step.before} without a step")
        if step.before < at:
            wrong.append(f"{name}: {step.before} to {at} a second time")
        if step.after <= step.before:
            wrong.append(f"{name}: back from {step.before} to {step.after}")
        at = step.after
    return wrong if at == end else [*wrong, f"{name}: came to {at}, not to {end}"]


def followed(service: str, taken: Mapping[str, Sequence[Step]], streams: Mapping[str, Versions]) -> list[str]:
    """Each aggregate's versions have taken effect from the first to the last, in order, as they stand on Kafka."""
    wrong = []
    for aggregate, stream in streams.items():
        name, steps = f"{service} {aggregate}", taken.get(aggregate, ())
        wrong += walked(name, steps, len(stream.values))
        wrong += [
            f"{name}: version {step.after} is another than Kafka's"
            for step in steps
            if 0 < step.after <= len(stream.values) and step.digest != digest(stream.values[step.after - 1])
        ]
    return wrong


def appeared(name: str, seen: Iterable[tuple[int, Hashable]], wanted: range) -> tuple[int, list[str]]:
    """Versions with their contents: each wanted one in order, and again only with the same content.

    Returns how many came again, and what is wrong.
    """
    contents: dict[int, Hashable] = {}
    again, wrong, due = 0, [], wanted.start
    for version, content in seen:
        if version in contents:
            again += 1
            if contents[version] != content:
                wrong.append(f"{name}: version {version} again, but another")
            continue
        if version != due:
            wrong.append(f"{name}: version {version} where {due} was due")
        contents[version] = content
        due = max(due, version + 1)
    missing = sorted(set(wanted) - contents.keys())
    beyond = sorted(contents.keys() - set(wanted))
    wrong += [f"{name}: version {version} is missing" for version in missing]
    wrong += [f"{name}: version {version} is one too many" for version in beyond]
    return again, wrong


def once(what: str, found: Iterable[T], wanted: Collection[T]) -> list[str]:
    """Everything wanted is there, each once, and nothing else."""
    counts, due = Counter(found), set(wanted)
    return [
        *(f"{what}: {each} is missing" for each in wanted if each not in counts),
        *(f"{what}: {each} is there {count} times" for each, count in counts.items() if each in due and count > 1),
        *(f"{what}: {each} is one too many" for each in counts if each not in due),
    ]
