"""A batch is handled in turns, so that within one turn no two items touch the same thing."""

from collections.abc import Collection, Hashable, Sequence


def in_turns(touched: Sequence[Collection[Hashable]]) -> list[list[int]]:
    """Divide items, given by what each touches, into turns of positions; order is kept per thing touched.

    A batch of items that have nothing in common, which is the usual one, is a single turn.
    """
    next_turn: dict[Hashable, int] = {}
    turns: list[list[int]] = []
    for position, things in enumerate(touched):
        turn = max((next_turn.get(thing, 0) for thing in things), default=0)
        next_turn.update(dict.fromkeys(things, turn + 1))
        if turn == len(turns):
            turns.append([])
        turns[turn].append(position)
    return turns
