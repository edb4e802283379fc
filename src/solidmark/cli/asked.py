"""A command line as a whole: judged before anything slow, made into a configuration, answered."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from solidmark.cli.answering import answer
from solidmark.cli.judging import judged
from solidmark.cli.options import (
    require_free,
    require_marked,
    require_model,
    resolve_device,
    save_config,
    show_plan,
)
from solidmark.runs import Verdict

if TYPE_CHECKING:
    from solidmark.models import Opening

Made = TypeVar("Made")


@dataclass(frozen=True)
class Asked:
    """What was typed, all of it.

    Arguments:
        context: Of typer.
        values: By the names of the options.
    """

    context: typer.Context
    values: Mapping[str, Any]

    @property
    def dry_run(self) -> bool:
        return bool(self.values["dry_run"])

    def typed(self, option: str) -> bool:
        """Whether an option was given, and not left as it is."""
        source = self.context.get_parameter_source(option)
        return source is not None and source.name == "COMMANDLINE"

    def require(self) -> None:
        """Judges what its folders and its model are, before anything slow is imported."""
        asked, command = self.values, str(self.context.info_name)
        if asked.get("marked") is not None:
            require_marked(asked["marked"])
        require_free(asked["out"], "audit" if command == "observe" else command)
        if "model" in asked:
            require_model(asked["model"])

    def fill(self, make: Callable[..., Made], **given: Any) -> Made:
        """Calls a class or a function with the options that are called as its parameters.

        An option that may be given again is called as one of them: `--split` gives `splits`. One
        that is not given leaves the default.

        Arguments:
            make: What is called.
            given: Its arguments that are called otherwise.
        """
        found = {}
        for name in inspect.signature(make).parameters:
            value = given[name] if name in given else self._value(name)
            if value is not None:
                found[name] = tuple(value) if isinstance(value, list) else value
        return make(**found)

    def _value(self, name: str) -> Any:
        value = self.values.get(name, self.values.get(name.removesuffix("s")))
        if name == "opening":
            return self._opening()
        if name == "mitigations":
            from solidmark.mitigations import parse

            return tuple(map(parse, value or ()))
        if name == "perturb":
            from solidmark import perturbations

            return tuple(map(perturbations.parse, value or ()))
        return resolve_device(value) if name == "device" else value

    def _opening(self) -> "Opening":
        """How the model is opened; what is only planned is judged by its files, and not loaded."""
        from solidmark.models import Opening
        from solidmark.models.foreseen import META
        from solidmark.runs import check_device

        opening = self.fill(Opening)
        if not self.dry_run:
            return opening
        check_device(opening.device)
        return replace(opening, device=META)

    def plan(self, **facts: Any) -> None:
        """Says what would be done, and where, and nothing more."""
        if "device" in self.values:
            facts.setdefault("device_found", resolve_device(self.values["device"]))
        show_plan(self.context, **facts)

    def answer(
        self,
        result: Mapping[str, Any],
        *lines: str,
        verdict: Verdict | None = None,
        fail_on: Sequence[str] = (),
    ) -> None:
        """Says what the command has come to, as `answering.answer`."""
        states = (*fail_on, *self.values.get("fail_on", ()))
        answer(result, bool(self.values["json"]), *lines, verdict=verdict, fail_on=states)

    def save(self) -> None:
        """Keeps the command line beside what was made."""
        save_config(self.context, self.values["out"])

    def page(self, *more: str, one_by_one: bool = False) -> None:
        """Makes the page of a folder that is scored, in the first of several processes.

        Arguments:
            more: What people are told beside the verdict.
            one_by_one: Whether they are told what each measure says, and not the headline alone.
        """
        from solidmark.reporting import write_report
        from solidmark.runs import Processes, read_results

        if not Processes.here().is_main:
            return
        out, images = self.values["out"], self.values.get("pictures", self.values.get("images"))
        page = write_report(out, images=bool(images))
        self.save()
        verdict = judged(out)
        each = [f"{one.title}: {one.headline}" for one in verdict.findings]
        said = each if one_by_one else [verdict.headline]
        self.answer(read_results(out), *said, *more, f"The page: {page}", verdict=verdict)
