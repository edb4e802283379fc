"""One image, one restart: everything an inversion knows of it, in work or done, and its file."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from jaxtyping import Float, UInt8

from solidmark.errors import BadInput
from solidmark.late import Tensor
from solidmark.measures.invmm.inversion.weight import Weight
from solidmark.runs import read_tensors, write_tensors
from solidmark.types import Images

Outcome = Literal["reproduced", "spent", "failed"]
"""The image came back; the budget was spent and it did not; the numbers left the finite."""

FREE = ("mu", "log_variance", "logits")
"""What is descended on, as far as an attempt has it."""


class Look(NamedTuple):
    """What stood at a check.

    Arguments:
        loss: P, the mean p of the window.
        kl: The KL per dimension, in nats.
        similarity: The lowest similarity that was seen under the best guidance; high = close.
            `full` checks see every sample, a `cheap` one stops at the first that refuses, so there
            it is an upper bound, and of the few-step sampler where nothing else was asked.
    """

    step: int
    loss: float
    kl: float
    weight: float
    similarity: float


@dataclass(frozen=True)
class Attempt:
    """One image and one restart.

    Arguments:
        id: The image's id.
        mu: The mean of the initial noise, with the shape of the image's latents.
        log_variance: The logarithm of its variance, likewise.
        logits: Of an inverted prompt, with shape (L, V); None where the prompt is given.
        generator: The state of the generator of its draws.
        check_seed: What the draws of its checks come from, so that no check shifts a step's draws.
        split: `trained`, `held_out`, or whatever the caller keeps apart.
        repeat: Which restart.
        step: Steps done.
        weight: The weight of the KL.
        moments: Adam's first and second moments, as "mu.first"; gone once there is an outcome.
        path: What stood at each check.
        closeness: The lowest similarity seen at the last check under each guidance tried.
        calls: Network calls, per image; one with gradient counts as 2.3.
        outcome: None while in work.
        kl: The score: the KL per dimension in nats at the check that reproduced; low = memorized,
            infinite where none did.
        kl_end: The KL per dimension where it stands.
        best_similarity: `full`: the highest over the checks (and guidances) of the smallest
            similarity of the samples. `cheap`: the smallest of the last check, the only one at
            which every sample is drawn by the full sampler. Minus infinity before that.
        guidance: Under which the image was reproduced, or came closest at the last check.
        pictures: The samples of the last check under that guidance, once there is an outcome.
        note: Why it failed.
    """

    id: str
    mu: Float[Tensor, "c h w"]
    log_variance: Float[Tensor, "c h w"]
    logits: Float[Tensor, "L V"] | None
    generator: UInt8[Tensor, " S"]
    check_seed: int
    split: str = ""
    repeat: int = 0
    step: int = 0
    weight: Weight = field(default_factory=Weight)
    moments: dict[str, Tensor] = field(default_factory=dict)
    path: tuple[Look, ...] = ()
    closeness: dict[float, float] = field(default_factory=dict)
    calls: float = 0.0
    outcome: Outcome | None = None
    kl: float = math.inf
    kl_end: float = 0.0
    best_similarity: float = -math.inf
    guidance: float | None = None
    pictures: Images | None = None
    note: str = ""

    def free(self) -> dict[str, Tensor]:
        """What is descended on, by name."""
        found = {name: getattr(self, name) for name in FREE}
        return {name: value for name, value in found.items() if value is not None}

    def ended(self, outcome: Outcome, **changes: Any) -> "Attempt":
        """The same with an outcome, and without what only a descent needs."""
        return replace(self, outcome=outcome, moments={}, **changes)

    def to_file(self, path: Path) -> None:
        """Writes it whole or not at all: see `write_attempts`."""
        write_attempts(path, [self])

    @classmethod
    def from_file(cls, path: Path) -> "Attempt":
        """Reads what `to_file` wrote, to the last bit."""
        (attempt,) = read_attempts(path)
        return attempt


def write_attempts(path: Path, attempts: Sequence[Attempt]) -> None:
    """Writes attempts to one safetensors file, which is whole or not there.

    Arguments:
        path: The file. The tensors are called "0.mu" and so on; all else is JSON in its head, by
            the name "attempts". The same attempts are the same bytes.
        attempts: In any state.
    """
    tensors: dict[str, Tensor] = {}
    rows = []
    for number, attempt in enumerate(attempts):
        row: dict[str, Any] = {}
        for one in fields(attempt):
            value = getattr(attempt, one.name)
            if isinstance(value, Tensor):
                tensors[f"{number}.{one.name}"] = value
            elif one.name == "moments":
                tensors |= {f"{number}.moments.{name}": moment for name, moment in value.items()}
            elif one.name == "closeness":
                row[one.name] = list(value.items())
            elif one.name == "weight":
                row[one.name] = [value.value, value.previous, value.losses]
            else:
                row[one.name] = value
        rows.append(row)
    whole = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    write_tensors(path, whole, {"attempts": json.dumps(rows, sort_keys=True)})


def read_attempts(path: Path) -> list[Attempt]:
    """Reads what `write_attempts` wrote, to the last bit.

    Raises:
        BadInput: When the file does not hold attempts.
    """
    tensors, head = read_tensors(path, "Invert again.")
    try:
        rows = json.loads(head["attempts"])
        return [_read(number, row, tensors) for number, row in enumerate(rows)]
    except (KeyError, ValueError, TypeError) as error:
        raise BadInput(f'"{path}" does not hold attempts ({error}). Invert again.') from error


def _read(number: int, row: dict[str, Any], tensors: dict[str, Tensor]) -> Attempt:
    start = f"{number}."
    mine = {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
    moments = {name[8:]: value for name, value in mine.items() if name.startswith("moments.")}
    value, previous, losses = row.pop("weight")
    row["weight"] = Weight(value, previous, tuple(losses))
    row["path"] = tuple(Look(*look) for look in row["path"])
    row["closeness"] = {guidance: similarity for guidance, similarity in row["closeness"]}
    named = {name: value for name, value in mine.items() if not name.startswith("moments.")}
    return Attempt(**(row | named), moments=moments)
