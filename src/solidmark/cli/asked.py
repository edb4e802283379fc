"""A command line as a whole: judged before anything slow, made into a configuration, answered."""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from solidmark.cli.outcome import REFUSED
from solidmark.errors import SolidmarkError
from solidmark.runs import VERSION, Processes, Verdict, say, usual_device

if TYPE_CHECKING:
    from solidmark.models import Opening

HOW = ("config", "dry_run", "json", "fail_on", "help_all", "engine")
"""Options of how a command is given, done and ends, which its result does not depend on."""

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
        from solidmark.models import is_latent
        from solidmark.models.finding import find_alone
        from solidmark.runs import check_free

        asked, command = self.values, str(self.context.info_name)
        unmarked = command == "audit" and asked.get("held_out") is not None
        if isinstance(asked.get("marked"), Path) or (command == "audit" and not unmarked):
            self._require_marked(Path(asked["marked"]), may_be_plain=command == "audit")
        made = "watch" if asked.get("epochs") is not None else command
        made = "unmarked" if unmarked else "audit" if command == "observe" else made
        check_free(asked["out"], made)
        alone = command == "release" and find_alone(asked["model"]) is not None
        if "model" in asked and not alone:
            is_latent(asked["model"])

    def _require_marked(self, folder: Path, may_be_plain: bool) -> None:
        from solidmark.marks.marked import read_marked
        from solidmark.runs import made_by

        try:
            read_marked(folder)
        except SolidmarkError as error:
            if not may_be_plain or not folder.exists() or made_by(folder) is not None:
                raise
            raise type(error)(
                f"{error} Images without marks are audited with --held-out, images of the same "
                "kind that the model never saw."
            ) from error

    def fill(self, make: Callable[..., Made], **given: Any) -> Made:
        """Calls a class or a function with the options that are called as its parameters.

        An option that may be given again is called as one of them: `--split` gives `splits`. One
        that is not given leaves the default.

        Arguments:
            make: What is called.
            given: Its arguments that are called otherwise.
        """
        return make(**self.arguments(make, **given))

    def arguments(self, make: Callable[..., Any], **given: Any) -> dict[str, Any]:
        """What `fill` calls something with."""
        found = {}
        for name in inspect.signature(make).parameters:
            value = given[name] if name in given else self._value(name)
            if value is not None:
                found[name] = tuple(value) if isinstance(value, list) else value
        return found

    def _value(self, name: str) -> Any:
        value = self.values.get(name, self.values.get(name.removesuffix("s")))
        if name == "hash_ids" and self.dry_run:
            return None  # No secret is made for a plan, which names no image.
        if name == "opening":
            return self._opening
        if name == "mitigations":
            from solidmark.mitigations import parse

            return tuple(map(parse, value or ()))
        if name == "perturb":
            from solidmark import perturbations

            return tuple(map(perturbations.parse, value or ()))
        return usual_device(value) if name == "device" else value

    @cached_property
    def _opening(self) -> "Opening":
        """How the model is opened; what is only planned is judged by its files, and not loaded."""
        from solidmark.models import Opening
        from solidmark.models.foreseen import META
        from solidmark.models.placing import left_open, placed
        from solidmark.runs import check_device, config_of

        left = left_open(self.values)
        opening = self.fill(Opening, **dict.fromkeys(left))
        opening = placed(self.values["model"], opening, left, config_of(self.values["out"]))
        # What was decided is part of the command line from now on.
        self.context.params.update({name: getattr(opening, name) for name in left})
        if not self.dry_run:
            return opening
        check_device(opening.device)
        return replace(opening, device=META)

    def options(self) -> dict[str, Any]:
        """The whole command line, resolved, as plain values in the order of the help."""
        names = [str(one.name) for one in self.context.command.params if one.name not in HOW]
        values = {name: _plain(self.context.params.get(name)) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    def plan(self, **facts: Any) -> None:
        """Says what would be done, and where, and nothing more."""
        import yaml

        if "device" in self.values:
            facts.setdefault("device_found", usual_device(self.values["device"]))
        options = {"command": self.context.info_name, **self.options()}
        text = yaml.safe_dump(options, sort_keys=False, allow_unicode=True)
        self.answer(
            {"dry_run": True, "options": options, "plan": facts},
            *text.rstrip().split("\n"),
            *(f"# {name.replace('_', ' ')}: {value}" for name, value in facts.items()),
            "# dry run: nothing was written",
            verdict=Verdict("planned", "Nothing was written."),
        )

    def answer(
        self,
        result: Mapping[str, Any],
        *lines: str,
        verdict: Verdict | None = None,
        fail_on: Sequence[str] = (),
    ) -> None:
        """Says what the command has come to.

        Arguments:
            result: For programs, whole.
            lines: For people.
            verdict: What it means; that it is done, where nothing was judged.
            fail_on: The verdicts that end in the exit code 3, beside those of the command line.

        Raises:
            typer.Exit: When the verdict is one of them.
        """
        said = verdict or Verdict("done", " ".join(lines[:1]))
        if self.values["json"]:
            whole = {**result, "verdict": said.to_json()}
            lines = (json.dumps(whole, sort_keys=True, default=str),)
        for line in lines:
            say(line)
        if said.is_any((*fail_on, *self.values.get("fail_on", ()))):
            raise typer.Exit(REFUSED)

    def save(self) -> None:
        """Keeps the command line beside what was made, for `--config`."""
        import yaml

        from solidmark.runs import tame, write_bytes

        if not Processes.here().is_main:
            return
        options = {"version": VERSION, "command": self.context.info_name, **self.options()}
        text = yaml.safe_dump(options, sort_keys=False, allow_unicode=True)
        if tame(text) != text:  # Who reads the file in a terminal must not obey it.
            text = yaml.safe_dump(options, sort_keys=False)
        write_bytes(self.values["out"] / "config.yaml", text.encode())

    def page(self, *more: str, one_by_one: bool = False, with_details: bool = False) -> None:
        """Makes the page of a folder that is scored, in the first of several processes.

        Arguments:
            more: What people are told beside the verdict.
            one_by_one: Whether they are told what each measure says, and not the headline alone.
            with_details: Whether they are told the sentences that back the verdict.
        """
        from solidmark.reporting import write_report
        from solidmark.runs import open_results, read_results
        from solidmark.verdicts.searched import search_lines

        if not Processes.here().is_main:
            return
        out, images = self.values["out"], self.values.get("pictures", self.values.get("images"))
        page = write_report(out, images=bool(images))
        self.save()
        results = open_results(out)
        verdict = results.judged
        each = [f"{one.title}: {one.headline}" for one in verdict.findings]
        said = each if one_by_one else [verdict.headline]
        said += verdict.details if with_details else search_lines(results.figures)
        self.answer(read_results(out), *said, *more, f"The page: {page}", verdict=verdict)


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
