"""The largest clique of a graph: the most images of which every two are close.

Branch and bound on sets of bits: the candidates of a branch are coloured greedily, and a branch
whose colours cannot make it larger than the largest clique so far is left. Which graphs are hard is
not known beforehand (nearly complete ones are), so the search has a budget, counted in branches
and not in seconds: the same graph gives the same answer on any machine.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

BUDGET = 500_000
"""Branches that are looked into: some seconds. 500 real pictures need a few thousand at most."""


@dataclass(frozen=True)
class Clique:
    """Vertices of which every two are neighbours.

    Arguments:
        is_largest: Whether there is no larger one for sure; otherwise the budget ended the search.
    """

    members: tuple[int, ...]
    is_largest: bool


def largest_clique(close: Bool[NDArray[np.bool_], "n n"], budget: int = BUDGET) -> Clique:
    """Finds the largest clique of a graph.

    Arguments:
        close: Which vertices are neighbours; symmetric. The diagonal does not count.
        budget: The most branches to look into.

    Returns:
        The clique; of several equally large ones always the same.

    References:
        Tomita and Seki, "An efficient branch-and-bound algorithm for finding a maximum clique",
        2003; sets of bits as in San Segundo et al., 2011.

    Example:
        >>> close = np.array([[0, 1, 1, 0], [1, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]], dtype=bool)
        >>> largest_clique(close)
        Clique(members=(0, 1, 2), is_largest=True)
    """
    graph = close & ~np.eye(len(close), dtype=bool)
    # Vertices of high degree first: they get the low colours, which are tried last.
    order = np.argsort(-graph.sum(axis=1), kind="stable")
    rows = graph[np.ix_(order, order)]
    neighbours = [_bits(row) for row in rows]
    best: tuple[int, ...] = ()
    path: list[int] = []
    branches = [_Branch(_bits(np.ones(len(rows), dtype=bool)), neighbours)]
    while branches:
        branch = branches[-1]
        if len(path) + branch.colours <= len(best) or budget <= 0:
            branches.pop()
            if path:
                path.pop()
            continue
        budget -= 1
        vertex = branch.take()
        path.append(vertex)
        if len(path) > len(best):
            best = tuple(path)
        branches.append(_Branch(branch.left & neighbours[vertex], neighbours))
    return Clique(tuple(sorted(int(order[vertex]) for vertex in best)), budget > 0)


class _Branch:
    """The vertices that may still join a clique, the last coloured first.

    Arguments:
        candidates: A set of vertices as bits.
        neighbours: Those of each vertex, as bits.
    """

    def __init__(self, candidates: int, neighbours: list[int]) -> None:
        self.left = candidates
        self._coloured: list[tuple[int, int]] = []
        colour = 0
        while candidates:
            colour += 1
            free = candidates
            while free:
                lowest = free & -free
                vertex = lowest.bit_length() - 1
                candidates ^= lowest
                free &= ~(neighbours[vertex] | lowest)
                self._coloured.append((vertex, colour))

    @property
    def colours(self) -> int:
        """No clique among the vertices that are left is larger."""
        return self._coloured[-1][1] if self._coloured else 0

    def take(self) -> int:
        """The next vertex; it is not among those that are left afterwards."""
        vertex, _ = self._coloured.pop()
        self.left &= ~(1 << vertex)
        return vertex


def _bits(row: Bool[NDArray[np.bool_], " n"]) -> int:
    return int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little")
