"""The best candidates of many queries, gathered while the base passes by."""

from jaxtyping import Float

from solidmark.late import Tensor, torch

_GROUP = 32
"""Neighbouring values whose minimum is looked at before they are."""


class Candidates:
    """The smallest values seen so far, for each of some queries.

    Few of the values that pass by are small enough, so only the minima of groups are compared
    with the largest value kept, and what passes is sorted in now and then.

    Arguments:
        queries: How many queries there are.
        keep: How many values are kept for each.
    """

    def __init__(self, queries: int, keep: int, device: str = "cpu") -> None:
        self.values = torch.full((queries, keep), torch.inf, device=device)
        self.index = torch.full((queries, keep), -1, dtype=torch.int64, device=device)
        self._found: list[tuple[Tensor, Tensor, Tensor]] = []
        self._waiting = 0

    def offer(self, values: Float[Tensor, "q n"], row: int) -> None:
        """Looks through values of all the queries.

        Arguments:
            values: For rows of the base from `row` on.
        """
        # No value that is not kept is smaller than the last one that is.
        most = self.values[:, -1]
        keep = min(self.values.shape[1], values.shape[1])
        whole = values.shape[1] // _GROUP * _GROUP
        groups = values[:, :whole].unflatten(1, (-1, _GROUP))
        queries, group = (groups.amin(dim=2) < most[:, None]).nonzero(as_tuple=True)
        some = groups[queries, group]
        close = some < most[queries, None]
        if int(close.sum()) > keep * len(values):
            # Nothing to compare with yet, or the base comes ever closer: the best are enough.
            best = values.topk(keep, largest=False)
            lines = torch.arange(len(values), device=values.device)[:, None]
            lines = lines.expand_as(best.values).flatten()
            self._wait(lines, best.indices.flatten() + row, best.values.flatten())
        else:
            which, place = close.nonzero(as_tuple=True)
            rows = group[which] * _GROUP + place + row
            self._wait(queries[which], rows, some[which, place])
            rest = values[:, whole:]
            which, place = (rest < most[:, None]).nonzero(as_tuple=True)
            self._wait(which, place + whole + row, rest[which, place])
        if self._waiting > len(values):
            self.settle()

    def _wait(self, queries: Tensor, rows: Tensor, values: Tensor) -> None:
        self._found.append((queries, rows, values))
        self._waiting += len(queries)

    def settle(self) -> None:
        """Sorts in what was found."""
        if not self._waiting:
            return
        queries, rows, values = (torch.cat(part) for part in zip(*self._found, strict=True))
        self._found, self._waiting = [], 0
        keep = self.values.shape[1]
        asked, counts = queries.unique(return_counts=True)
        # By query. Only where there are more than can be kept does it matter which come first.
        crowded = int(counts.max()) > keep
        order = values.argsort() if crowded else torch.arange(len(rows), device=rows.device)
        order = order[queries[order].argsort(stable=True)]
        line = torch.repeat_interleave(torch.arange(len(asked), device=rows.device), counts)
        place = torch.arange(len(rows), device=rows.device) - (counts.cumsum(0) - counts)[line]
        best = place < keep
        line, place, order = line[best], place[best], order[best]
        shape = len(asked), min(keep, int(counts.max()))
        new_values = torch.full(shape, torch.inf, device=rows.device)
        new_rows = torch.full(shape, -1, dtype=torch.int64, device=rows.device)
        new_values[line, place], new_rows[line, place] = values[order], rows[order]
        all_values = torch.cat([self.values[asked], new_values], dim=1)
        all_rows = torch.cat([self.index[asked], new_rows], dim=1)
        least = all_values.topk(keep, largest=False)
        self.values[asked] = least.values
        self.index[asked] = all_rows.gather(1, least.indices)
