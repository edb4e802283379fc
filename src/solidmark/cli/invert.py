"""The options of an inversion; what is not given is the preset's."""

from dataclasses import dataclass, field, fields, make_dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, get_args

from solidmark.cards.asked import Descended
from solidmark.cards.option import NOT_NEGATIVE, Choice
from solidmark.cli.asked import Asked
from solidmark.cli.told import option

if TYPE_CHECKING:
    from solidmark.measures.invmm.inversion import Inversion

PRESETS = ("quick", "ddpm", "ldm", "sd", "sd3")

Preset = Annotated[
    str,
    option(
        "What the following options are when they are not given: quick (ours, for fewer network "
        "calls), or the authors' ddpm, ldm, sd, sd3.",
        Choice("preset", PRESETS),
    ),
]


@dataclass(frozen=True)
class Looked:
    """How it is looked whether an image has come back.

    Arguments:
        guidance: Scale of classifier-free guidance at a check, any of which will do; may be given
            again. [default: the preset's]
    """

    preset: Preset = "quick"
    guidance: Annotated[list[float], "--guidance", "NUMBER", NOT_NEGATIVE] = field(
        default_factory=list
    )


def _optional(kind: Any) -> Any:
    """A type as it is typed: the preset has what is not given."""
    kind, *told = get_args(kind)
    return Annotated[(kind | None, *told)]


DESCENT = make_dataclass(
    "Descent",
    [(one.name, _optional(one.type), None) for one in fields(Descended)],
    bases=(Looked,),
    namespace={"__doc__": Descended.__doc__},
    frozen=True,
)
"""The options of an inversion."""


def inversion_of(asked: Asked) -> "Inversion":
    """The inversion that a command line asks for."""
    from solidmark.measures.invmm.inversion import PRESETS as INVERSIONS

    given = vars(asked.fill(DESCENT)).copy()
    preset, guidances = given.pop("preset"), given.pop("guidance")
    given["guidances"] = tuple(guidances) or None
    return replace(
        INVERSIONS[preset], **{name: value for name, value in given.items() if value is not None}
    )
