"""What a run of `solidmark provenance` asks: of which model, about which suspect images."""

from dataclasses import dataclass, field, fields
from pathlib import Path

from solidmark.cards import PROVENANCE
from solidmark.errors import BadInput
from solidmark.measures.signals import Measuring
from solidmark.runs import made_by
from solidmark.subjects.subjects import SPLITS

SIGNALS = "signals"
"""The folder in which the signals are measured, a run of `solidmark signals`."""


@dataclass(frozen=True)
class Provenance(Measuring):
    """The whole configuration of a run: that of its signals, with the suspects as `images`.

    Arguments:
        held_out: Images of the same kind that were certainly not used.
        signals: As of `Measuring`; those that look at images and take few calls when not given.
    """

    command = "provenance"
    held_out: str = field(kw_only=True)
    signals: tuple[str, ...] = PROVENANCE

    def __post_init__(self) -> None:
        super().__post_init__()
        if set(self.splits) != set(SPLITS):
            raise BadInput("Provenance compares both sides. Leave the splits out.")
        if made_by(Path(self.images)) == "mark":
            raise BadInput(
                f'"{self.images}" is a folder of solidmark mark, whose keys say surely and without '
                f'other images whether it was used. Run "solidmark audit {self.model} '
                f'{self.images} OUT".'
            )

    def measuring(self) -> Measuring:
        """The run of `signals`."""
        same = {one.name: getattr(self, one.name) for one in fields(Measuring)}
        return Measuring(**same | {"out": self.out / SIGNALS})
