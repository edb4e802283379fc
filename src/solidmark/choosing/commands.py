"""The command lines of a choice, as they can be copied."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from solidmark.choosing.costs import DRAWS, PER_PROMPT, PROMPTS
from solidmark.choosing.facts import Case
from solidmark.diffusion import Model
from solidmark.measures.unmarked import MEASURES
from solidmark.runs import command_line, path_word

if TYPE_CHECKING:
    from solidmark.choosing.choice import Step

OUT = {"inpaint": "inpainted", "invmm": "inverted", "duplicates": "copies"}
"""The folders that measures write, where they are not called as these."""


@dataclass(frozen=True)
class Named:
    """What data and model are called.

    Arguments:
        data: The images.
        model: The model; None where none was named.
        held_out: Images that it never saw.
    """

    data: str
    model: str | None = None
    held_out: str | None = None

    @property
    def words(self) -> tuple[str, str]:
        """Model and data, as arguments."""
        return path_word(self.model or "MODEL"), path_word(self.data)

    @property
    def other(self) -> tuple[str, ...]:
        """Held-out images, as an option."""
        return () if self.held_out is None else ("--held-out", path_word(self.held_out))


def command_lines(
    measure: str, step: "Step", case: Case, model: Model, named: Named
) -> tuple[str, ...]:
    """The commands of one step."""
    trained, data = named.words
    sized = [w for name, v in sizes(case, model).items() for w in (f"--{name}", v)]
    limit = () if step.cost.limit is None else ("--limit", step.cost.limit)
    out = OUT.get(measure, measure)
    if measure == "duplicates":
        return (command_line(measure, data, out),)
    if measure == "audit":
        return (command_line(measure, trained, data, out, *limit),)
    if measure == "intent":
        prompts = ("--limit", step.cost.count if step.limited else PROMPTS)
        return (command_line(measure, trained, data, out, *prompts, *sized),)
    if measure in ("nearest", "cliques"):
        told: tuple[str, ...] = (
            ("--data", data) if case.model.captioned or case.model.classes else ()
        )
        told = ("--marked", data, "--crop") if case.data.marked else told
        many = ("-n", step.cost.count)
        if measure == "cliques":
            drawn = command_line("generate", trained, "drawn", *told, "--per-prompt", PER_PROMPT)
            return drawn, command_line(measure, "drawn", out, "--calibrate")
        drawn = command_line("generate", trained, "generated", *many, *told)
        words = ("generated", data, out, *named.other, *sized, *step.options)
        return drawn, command_line(measure, *words)
    own = ("--draws", DRAWS) if measure == "inpaint" else step.options
    words = (trained, data, out, *named.other, *sized, *own)
    return (command_line(measure, *words, *limit),)


def of_all(names: Sequence[str], case: Case, named: Named) -> str:
    """One command for all that needs no marks; empty where it would have nothing to judge by."""
    if case.data.marked or named.held_out is None or not set(names) & set(MEASURES):
        return ""
    return command_line("audit", *named.words, "audit", *named.other)


def sizes(case: Case, model: Model) -> dict[str, str]:
    """The options that bring plain images to what the model was built for, by name."""
    found: dict[str, str] = {}
    if case.data.marked:
        return found
    small, large = case.data.sides
    built: tuple[int, int] | None = getattr(model, "sample_size", None)
    if built is not None and {small, large} != {*built}:
        height, width = built
        found["resolution"] = str(height) if height == width else f"{height}x{width}"
    elif small != large:
        found["resolution"] = str(small)
    if getattr(model, "channels", None) == 1:
        found["mode"] = "L"
    return found
