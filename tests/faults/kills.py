"""Kills a stage at random moments, and runs the same command again."""

import random
import signal
from collections.abc import Iterator

from .trying import Bench, Started, last

SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
AGAIN = 0.25
"""How often the run that goes on is killed too."""


def kill(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Strikes a stage so many times.

    Arguments:
        bench: The stage.
        count: How many kills.
        chance: Draws moments and signals.

    Yields:
        The signal, the outcome, and what there is to say of it: one for each kill.
    """
    while count > 0:
        bench.restore("before")
        struck = []
        while count > 0:
            number = chance.choice(SIGNALS)
            started = Started(bench.stage.line, bench.here)
            there = started.strike(chance.uniform(0, bench.answer.seconds), number)
            answer = started.end()
            struck.append(number.name if there and answer.code else "late")
            count -= 1
            if answer.fell or chance.random() > AGAIN:
                break
        if answer.fell:
            yield struck[-1], "traceback", last(answer)
            struck.pop()
        outcome, said = bench.outcome(bench.run())
        for name in struck:
            yield name, outcome, said
