"""SCAN (Lake & Baroni 2018, arXiv 1711.00350): all 20,910 commands with their actions, from the grammar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from promptlab.basics.hashing import seeded
from promptlab.datasets.row_source import Source, source

_VERBS = ("walk", "look", "run", "jump", "turn")
_DIRECTIONS = ("left", "right")
_LONGEST_TRAIN_ACTIONS = 22

Phrase = tuple[str, tuple[str, ...]]


@source("scan")
class Scan(Source):
    """Every command once, in an order drawn from the seed.

    `notation: scan` writes actions as in the original files (`I_TURN_LEFT I_JUMP`), `plain` without `I_`.
    The column `split` is the length split: `test` holds exactly the 3,920 commands of more than 22 actions.
    """

    split_column: ClassVar[str | None] = "split"

    notation: Literal["scan", "plain"] = "scan"

    def rows(self) -> Iterator[Mapping[str, Any]]:
        all_commands = list(commands())
        seeded("scan", self.version, self.seed).shuffle(all_commands)
        prefix = "I_" if self.notation == "scan" else ""
        for text, actions in all_commands:
            yield {
                "question": text,
                "answer": " ".join(prefix + action for action in actions),
                "actions": len(actions),
                "split": "test" if len(actions) > _LONGEST_TRAIN_ACTIONS else "train",
            }


def commands() -> Iterator[Phrase]:
    """C = S | S and S | S after S: each command with its actions. "after" swaps the order."""
    singles = list(_sentences())
    yield from singles
    for first, first_actions in singles:
        for second, second_actions in singles:
            yield f"{first} and {second}", first_actions + second_actions
            yield f"{first} after {second}", second_actions + first_actions


def _sentences() -> Iterator[Phrase]:
    """S = V | V twice | V thrice."""
    for text, actions in _verb_phrases():
        yield text, actions
        yield f"{text} twice", actions * 2
        yield f"{text} thrice", actions * 3


def _verb_phrases() -> Iterator[Phrase]:
    """V = u | u D | u opposite D | u around D; "turn" always has a direction and no action of its own."""
    for verb in _VERBS:
        act = () if verb == "turn" else (verb.upper(),)
        if act:
            yield verb, act
        for direction in _DIRECTIONS:
            turn = (f"TURN_{direction.upper()}",)
            yield f"{verb} {direction}", turn + act
            yield f"{verb} opposite {direction}", turn * 2 + act
            yield f"{verb} around {direction}", (turn + act) * 4
