"""What is asked of a model about its training images: keys, signals, InvMM, inpainting, intent."""

import inspect
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.api.given import configured, handed, images_path, model_path
from solidmark.api.result import Folder, Result
from solidmark.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from solidmark.measures.audit import Question

Where = str | os.PathLike[str]


@handed
def audit(
    model: Any,
    marked: Any,
    out: Where,
    *,
    readers: Sequence[Any] = (),
    epochs: Where | None = None,
    held_out: Any = None,
    **options: Any,
) -> Result:
    """Says which training images a model has memorized: observes and scores.

    Arguments:
        model: A path, a name on the hub, a control ("memorizer"), a diffusers pipeline, or
            `(network, scheduler)`.
        marked: The folder that `mark` made; or, with `held_out`, any images.
        out: The folder to write.
        readers: How keys are read: names, or readers of `solidmark.readers`; what fits the marks
            and the model when empty.
        epochs: A folder of checkpoints, each of which is asked: pipelines in place of the model,
            LoRAs added to it. The result is then that of a watch, with the curve.
        held_out: Of images without marks: those of the same kind that the model never saw. The
            model is asked by what `choose` names then, a folder a measure.
        options: As of `audit.Question` (splits, limit, repeats, ceiling, batch_size, seed,
            perturb="crop:0.8" ...) and `models.Opening` (device, precision, loras ...); `engine`
            ("ray") says who asks the model. Without marks as of `unmarked.Unmarked` (resolution,
            mode, steps ...), and measures, number,
            limit and budget as of `choosing.choose_unmarked`.

    Returns:
        The result: `verdict`, `named`, `figures`, `rows`, `page`.

    Raises:
        NotFound: When the model or the folder is not there.
        UnknownName: When there is no such reader or option.
        BadInput: When the model was not made for images like these.

    References:
        SolidMark (Kriplani et al., 2025).

    Example:
        found = solidmark.audit("memorizer", marked, "audited", readers=["energy"], limit=8)
        found.verdict.headline, found.named, found.page
    """
    if held_out is not None and epochs is not None:
        raise BadInput("Checkpoints are asked for keys. Mark the images, or leave epochs out.")
    if held_out is not None:
        return _without_marks(model, marked, Path(out), held_out, readers, options)
    from solidmark.measures.audit import observe as ask
    from solidmark.measures.audit import score as score_evidence
    from solidmark.measures.watch import gather, watch_checkpoints

    question = _question(model, marked, Path(out), readers, options)
    if epochs is None:
        ask(question)
        score_evidence(question.out)
    else:
        watch_checkpoints(question, Path(epochs))
        gather(question.out)
    return Result(question.out)


CHOSEN = ("measures", "number", "limit", "budget")
"""What is said of an audit without marks to `choose_unmarked`."""


def _without_marks(
    model: Any,
    images: Any,
    out: Path,
    held_out: Any,
    readers: Sequence[Any],
    options: Mapping[str, Any],
) -> Result:
    """An audit of images without marks."""
    from solidmark.choosing import choose_unmarked
    from solidmark.measures.unmarked import Unmarked, audit_unmarked

    if readers:
        raise BadInput("Readers read keys, and images without marks have none. Leave them out.")
    where = model_path(model, out)
    trained, other = images_path(images, out, "images"), images_path(held_out, out, "held-out")
    said = {name: value for name, value in options.items() if name in CHOSEN}
    if "budget" in said:
        said["budget"] = str(said["budget"])
    chosen = choose_unmarked(trained, where, other, **said)
    own = {name: value for name, value in options.items() if name not in CHOSEN}
    given = {"model": where, "images": trained, "held_out": other, "parts": chosen.parts}
    audit_unmarked(configured(Unmarked, out, {**chosen.sized, **own}, **given))
    return Result(out)


@handed
def observe(
    model: Any, marked: Where, out: Where, *, readers: Sequence[Any] = (), **options: Any
) -> Folder:
    """Asks the model about every image, and keeps what it answers: the slow half of `audit`.

    Arguments:
        model: As of `audit`.
        marked: The same.
        out: The same.
        readers: The same.
        options: The same.

    Returns:
        The folder, which `score` takes.

    Raises:
        NotFound: When the model or the folder is not there.
        UnknownName: When there is no such reader or option.
        BadInput: When the model was not made for images like these.

    Example:
        kept = solidmark.observe("gaussian", marked, "observed", readers=["linear"], limit=4)
    """
    from solidmark.measures.audit import observe as ask

    ask(_question(model, marked, Path(out), readers, options))
    return Folder(Path(out))


def _question(
    model: Any, marked: Where, out: Path, readers: Sequence[Any], options: Mapping[str, Any]
) -> "Question":
    from solidmark.marks import open_marked
    from solidmark.measures.audit import Question, usual_readers

    where = model_path(model, out)
    chosen = tuple(map(as_reader, readers or usual_readers(where, open_marked(Path(marked)))))
    return configured(Question, out, options, model=where, marked=Path(marked), readers=chosen)


def as_reader(asked: Any) -> Any:
    """A reader from its name, or as it is."""
    from solidmark.readers import READERS

    if not isinstance(asked, str):
        return asked
    if asked not in READERS:
        raise UnknownName("reader", asked, READERS)
    return READERS[asked]()


@handed
def signals(model: Any, images: Any, out: Where, **options: Any) -> Result:
    """Measures cheap signals of memorization over images.

    Arguments:
        model: As of `audit`.
        images: The folder that `mark` made, or any images that the model was trained on.
        out: The folder to write.
        options: As of `signals.Measuring` (signals, held_out, draws, times, limit, seed ...) and
            `models.Opening`; `engine` as of `audit`.

    Returns:
        The result.

    Raises:
        NotFound: When the model or the images are not there.
        UnknownName: When there is no such signal or option.
        BadInput: When the model cannot be asked for any of the signals.

    Example:
        traces = solidmark.signals("memorizer", marked, "traces", signals=["loss"], times=2)
    """
    from solidmark.measures.signals import Measuring, measure_signals, score_signals

    folder = Path(out)
    measure_signals(configured(Measuring, folder, options, model=model, images=images))
    score_signals(folder)
    return Result(folder)


@handed
def inpaint(model: Any, marked: Any, out: Where, **options: Any) -> Result:
    """Hides half of each image, and looks how closely the model draws it again.

    Arguments:
        model: As of `audit`.
        marked: The folder that `mark` made, or any images that the model was trained on.
        out: The folder to write.
        options: As of `inpaint.Inpainting` (held_out, half, draws, steps, limit, seed ...) and
            `models.Opening`; `engine` as of `audit`.

    Returns:
        The result.

    Raises:
        NotFound: When the model or the folder is not there.
        UnknownName: When there is no such option.

    References:
        Carlini et al. (2023), section 5.3.

    Example:
        halves = solidmark.inpaint("memorizer", marked, "halves", draws=2, steps=4, limit=8)
    """
    from solidmark.measures.inpaint import Inpainting, score_inpainting
    from solidmark.measures.inpaint import inpaint as draw

    folder = Path(out)
    draw(configured(Inpainting, folder, options, model=model, images=marked))
    score_inpainting(folder)
    return Result(folder)


@handed
def invmm(model: Any, images: Any, out: Where, *, preset: str = "quick", **options: Any) -> Result:
    """Searches the noise from which the model draws each image again (InvMM).

    Arguments:
        model: As of `audit`.
        images: As of `signals`.
        out: The folder to write.
        preset: How an image is inverted: "quick", "paper" ...
        options: As of `invmm.InvMM` (held_out, similarity, restarts, budget, limit, seed ...) and
            `models.Opening`; `engine` as of `audit`.

    Returns:
        The result.

    Raises:
        NotFound: When the model or the images are not there.
        UnknownName: When there is no such preset or option.

    References:
        InvMM (Ma et al., 2024).

    Example:
        inverted = solidmark.invmm("memorizer", marked, "inverted", limit=2)
    """
    from solidmark.measures.invmm import InvMM, invert, score_invmm
    from solidmark.measures.invmm.inversion import PRESETS

    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    folder = Path(out)
    chosen = {"inversion": PRESETS[preset], **options}
    invert(configured(InvMM, folder, chosen, model=model, images=images))
    score_invmm(folder)
    return Result(folder)


def intent(model: Any, training: Any, out: Where, **options: Any) -> Result:
    """Tells apart what a model gives back because it was asked to, and what nobody asked for.

    Arguments:
        model: As of `audit`.
        training: What it was trained on: a marked folder, or any images with captions.
        out: The folder to write.
        options: As of `intent.Intent` (prompts, captions, per_prompt, similarity, steps ...) and
            `models.Opening`.

    Returns:
        The result.

    Raises:
        NotFound: When the model or the images are not there.
        UnknownName: When there is no such option.
        BadInput: When there are no captions to ask about.

    Example:
        from PIL import Image

        greys = [(Image.new("L", (8, 8), 16 * n), f"grey number {n}") for n in range(12)]
        asked = solidmark.intent("memorizer", greys, "asked", per_prompt=2, steps=2, limit=4)
    """
    from solidmark.measures.intent import Intent, score_intent
    from solidmark.measures.intent import intent as ask

    folder = Path(out)
    ask(configured(Intent, folder, options, model=model, training=training))
    score_intent(folder)
    return Result(folder)


def score(out: Where, **options: Any) -> Result:
    """Scores what was observed, and makes its pages again; no model is needed.

    Arguments:
        out: A folder of any function here that asks a model.
        options: Those of its scorer: fdr; of keys deltas, statistic, correction; of comparisons
            fprs, trust_control.

    Returns:
        The result.

    Raises:
        NotFound: When the folder has no evidence.
        RunConflict: When it is of a command that is not scored.
        UnknownName: When an option is not its own.

    Example:
        again = solidmark.score("audited", fdr=0.1)
    """
    from solidmark.reporting import renew_pages, scorer_of

    folder = Path(out)
    scorer = scorer_of(folder)
    known = [name for name in inspect.signature(scorer).parameters if name not in ("out", "folder")]
    for name in options:
        if name not in known:
            raise UnknownName("option of scoring this folder", name, known)
    scorer(folder, **options)
    renew_pages(folder)
    return Result(folder)


def report(out: Where, *, images: bool = True, top: int = 48) -> Path:
    """Makes the page of a run again.

    Arguments:
        out: The folder of the run.
        images: Whether pictures of the data and their captions may stand on it.
        top: How many images are shown.

    Returns:
        The page.

    Raises:
        NotFound: When the folder is not a finished run.

    Example:
        page = solidmark.report("audited", images=False)
    """
    from solidmark.reporting import write_report

    return write_report(Path(out), images=images, top=top)


def compare(first: Where, second: Where, *, fdr: float = 0.05, **options: Any) -> Any:
    """Says what differs between two audits of the same images, paired by image.

    Arguments:
        first: An audit, the one that differences are taken from.
        second: Another one of the same marked images.
        fdr: The false-discovery rate at which rows count as named.
        options: `deltas`, the distances of keys within which images are counted; `out`, a folder
            to write them into, of which `report` makes a page.

    Returns:
        The paired figures: differences with 95 % intervals and two-sided p-values.

    Raises:
        NotFound: When a folder has no scores.
        WrongKeys: When the two were not made with the same keys.

    Example:
        figures = solidmark.compare("audited", "audited").figures
    """
    from solidmark.measures.audit import compare as compare_audits

    return compare_audits(Path(first), Path(second), fdr=fdr, **options)
