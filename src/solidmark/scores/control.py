"""What is known of a control: are the held-out images of the same kind as the trained ones?

Whatever a measure says is a comparison with held-out images. Where these can be told from the
trained ones without the model, the comparison says that and nothing of memorization: nobody is
named, unless the user trusts the control all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from solidmark.runs import Figure

LEVEL = 0.005
"""From this p-value down the gate is shut: an even split is refused once in 200. An exact test at
.005, so that a simulation of some hundreds of splits stays below the 1 % that is promised."""

FILE = "control.json"
"""Where the facts lie in the folder of a run, before and after it is scored."""

State = Literal["alike", "other_kind", "too_few"]

WITHHELD = (
    "Withheld: the held-out images are of another kind than the trained ones, so a name would say "
    "that and no more. --trust-control names all the same."
)


@dataclass(frozen=True)
class Tell:
    """A number by which the sides differ.

    Arguments:
        name: What it is.
        trained: Its median over the trained images.
        held_out: Its median over the held-out ones.
        auc: Its area by itself: 0.5 = the same, above = the trained ones have more.
    """

    name: str
    trained: float
    held_out: float
    auc: float


@dataclass(frozen=True)
class Shown:
    """An image that is very much like its own side.

    Arguments:
        id: Of the image.
        picture: Where it lies below the folder of the run.
    """

    id: str
    picture: str


@dataclass(frozen=True)
class Control:
    """Whether trained and held-out images can be told apart without the model.

    Arguments:
        state: `alike` (they could not be told apart, which is no proof), `other_kind`, `too_few`.
        n: How many trained pictures were looked at, each once.
        m: How many held-out ones.
        trained: How many trained images there are.
        held_out: How many held-out ones.
        auc: The cross-fitted area of the classifier that tells most; 0.5 = not at all.
        ci_low: The lower end of its 95 % interval.
        ci_high: The upper end.
        p_value: Of the permutation test.
        family: What that classifier looks at.
        areas: The area of each family.
        permutations: How many the p-value rests on.
        tells: The numbers that differ most.
        shown_trained: The trained images that are most unlike the held-out ones.
        shown_held_out: And the other way round.
        trusted: Whether the user trusts the control whatever this says.
    """

    state: State
    n: int
    m: int
    trained: int
    held_out: int
    auc: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    family: str = ""
    areas: Mapping[str, float] | None = None
    permutations: int = 0
    tells: tuple[Tell, ...] = ()
    shown_trained: tuple[Shown, ...] = ()
    shown_held_out: tuple[Shown, ...] = ()
    trusted: bool = False

    @property
    def is_other(self) -> bool:
        """Whether the held-out images are of another kind."""
        return self.state == "other_kind"

    @property
    def is_shut(self) -> bool:
        """Whether nobody may be named."""
        return self.is_other and not self.trusted

    def trusting(self, trusted: bool) -> "Control":
        """The same, trusted or not."""
        return replace(self, trusted=trusted)

    def to_json(self) -> dict[str, Any]:
        """As it stands in `control.json` and in `results.json`."""
        lists = ("tells", "shown_trained", "shown_held_out")
        plain = asdict(self) | {
            name: [asdict(one) for one in getattr(self, name)] for name in lists
        }
        return {**plain, "level": LEVEL, "withheld": self.is_shut}


def control_from(found: Mapping[str, Any]) -> Control:
    """The control from what `to_json` gave."""
    kept = {name: found[name] for name in Control.__dataclass_fields__ if name in found}
    kept["tells"] = tuple(Tell(**one) for one in kept.get("tells", ()))
    for name in ("shown_trained", "shown_held_out"):
        kept[name] = tuple(Shown(**one) for one in kept.get(name, ()))
    return Control(**kept)


def beside_control(figures: Sequence[Figure], control: Control | None) -> list[Figure]:
    """Figures beside what is known of the control.

    An area of trained against held-out images gets the blind one beside it; names are withheld
    where the control is of another kind.
    """
    if control is None:
        return list(figures)
    return [_beside(figure, control) for figure in figures]


def exceeds_blind(figure: Figure) -> bool:
    """Whether an area says more than pictures say without the model.

    It does when it lies above the upper end of the blind area's interval, or no blind one is known.
    """
    limit = figure.number("blind_ci_high")
    return limit is None or figure.value is None or figure.value > limit


def _beside(figure: Figure, control: Control) -> Figure:
    if figure.statistic == "auc" and figure.split != "generated_vs_null":
        names = ("auc", "ci_low", "ci_high")
        blind = {f"blind_{name}": getattr(control, name) for name in names}
        return replace(figure, facts={**figure.facts, **blind})
    if control.is_shut and figure.statistic in ("named", "named_subjects"):
        return replace(
            figure, note=WITHHELD, value=None, count=None, expected_false=None, p_value=None
        )
    return figure
