"""`intent`: the prompts are drawn again and again, with and without their entities.

What comes often, and what makes it come, says whether the user may have meant it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from solidmark.control import Side, look_at_control
from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.generating.configuration import mitigated
from solidmark.generating.prompts import is_captioned
from solidmark.measures.intent.asking import Intent
from solidmark.measures.intent.drawing import Task, draw_all, evidence_rows
from solidmark.measures.intent.entities import vocabulary_of
from solidmark.measures.intent.expected import require_file
from solidmark.measures.intent.features import Feature, Phrase, features_of, read_phrases
from solidmark.measures.intent.naming import Naming, encoder_fingerprint, naming_by
from solidmark.measures.intent.prompts import (
    Prompt,
    drawn,
    prompts_from,
    prompts_of,
    read_prompts,
    tellings,
    with_entities,
)
from solidmark.measures.intent.scoring import COMMAND, score
from solidmark.measures.intent.tables import CALIBRATION, EVIDENCE, KNOWN, PROMPTS
from solidmark.measures.intent.training import SPLIT, Training, gather, open_training
from solidmark.models import (
    Average,
    Gaussian,
    Memorizer,
    control_samples,
    model_fingerprints,
    open_model,
)
from solidmark.models.fit import check_stated_fit
from solidmark.models.footprint import room_for
from solidmark.models.foreseen import Foreseen
from solidmark.randomness import digest
from solidmark.runs import (
    Processes,
    Run,
    check_device,
    forget_peak,
    memory_of,
    open_run,
    write_ours,
    write_rows,
)
from solidmark.subjects import (
    Subjects,
    check_subjects_fit,
    embedder_of,
    open_likeness,
    require_likeness,
    weights_of,
)


@dataclass(frozen=True)
class Plan:
    """Everything that is known before the model is asked.

    Arguments:
        prompts: All prompts, asked and unrelated, with their entities.
    """

    prompts: list[Prompt]
    features: list[Feature]
    training: Training
    task: Task


@dataclass(frozen=True)
class Foresight:
    """What will be drawn, as far as it can be said before anything is read or opened.

    Arguments:
        prompts: What is asked, those that are drawn to see what comes anyhow among them.
        texts: How many different texts the model is told.
        generations: How many pictures are drawn.
        images: How many training images there are.
    """

    prompts: list[Prompt]
    texts: int
    generations: int
    images: int


def foresee(asked: Intent) -> Foresight:
    """Says what would be drawn. No image is read, and the model is judged by its files.

    Arguments:
        asked: The configuration, with the model opened on the device `meta`.

    Raises:
        NotFound: When something that is named is not there.
        BadInput: When there is no prompt, or something cannot be used as asked.
        MissingCapability: When the model draws from no captions.
    """
    sources = _sources(asked)
    require_likeness(asked.similarity)
    subjects = open_training(asked)
    model = open_teller(asked, subjects)
    mitigated(model, asked.mitigations, asked.seed)
    if asked.guidance != 1:
        model.unconditional(model.condition([]))
    words = subjects.data[SPLIT].words()
    captions = {id: caption for id, (caption, _) in words.items() if caption}
    labels = {id: label for id, (_, label) in words.items() if label is not None}
    prompts, _, told = _prompts(asked, sources, {id: id for id in words}, labels, captions)
    return Foresight(prompts, len(told), len(told) * asked.per_prompt, len(words))


def plan(asked: Intent, model: Model | None = None) -> Plan:
    """Looks at the training images, and says what will be drawn.

    Arguments:
        asked: The configuration.
        model: Who draws; None = what the configuration names.

    Raises:
        NotFound: When something that is named is not there.
        BadInput: When there is no prompt, or something cannot be used as asked.
        MissingCapability: When the model draws from no captions.
    """
    check_device(asked.opening.device)
    sources = _sources(asked)
    subjects = open_training(asked)
    model = open_teller(asked, subjects) if model is None else model
    model = mitigated(model, asked.mitigations, asked.seed)
    likeness = open_likeness(asked.similarity, asked.opening.device)
    training = gather(subjects, likeness, asked.seed)
    prompts, features, told = _prompts(
        asked, sources, training.clusters, training.labels, training.captions
    )
    task = Task(asked, model, told, subjects.size, subjects, training, likeness)
    task.check()
    return Plan(prompts, features, training, task)


_Sources = tuple[list[Phrase], list[Prompt] | None, list[Prompt] | None]


def _sources(asked: Intent) -> _Sources:
    """The phrases, the prompts and the unrelated prompts that the user's files have."""
    phrases = [] if asked.features is None else read_phrases(asked.features)
    own = _own_prompts(asked)
    others = None if asked.unrelated_prompts is None else read_prompts(asked.unrelated_prompts)
    if asked.expected is not None:
        require_file(asked.expected)
    return phrases, own, others


def _prompts(
    asked: Intent,
    sources: _Sources,
    clusters: Mapping[str, str],
    labels: Mapping[str, str],
    captions: Mapping[str, str],
) -> tuple[list[Prompt], list[Feature], list[str]]:
    """What is asked, the features that are looked for, and the texts that the model is told."""
    phrases, own, others = sources
    features = features_of(clusters, labels, captions, phrases)
    captioned = prompts_of(captions)
    own = drawn(captioned if own is None else own, asked.limit, asked.seed, "limit")
    if not own:
        raise BadInput(
            f'The images of "{asked.training}" have no captions, so there is no prompt. '
            "Name some with --prompts or --caption."
        )
    texts = {prompt.text for prompt in own}
    rest = [prompt for prompt in others or captioned if prompt.text not in texts]
    rest = drawn(rest, asked.unrelated, asked.seed, "unrelated")
    ids = {prompt.id for prompt in own}
    rest = [replace(p, id=f"unrelated {p.id}") if p.id in ids else p for p in rest]
    names = [name for f in features if f.kind != "image" for name in f.names]
    every = [p.text for p in own] + [p.text for p in rest] + list(captions.values())
    vocabulary = vocabulary_of(every, names)
    prompts = with_entities(own, vocabulary, "prompt")
    prompts += with_entities(rest, vocabulary, "unrelated")
    told = list(dict.fromkeys(telling.text for telling in tellings(prompts)))
    return prompts, features, told


PRODUCTS = (
    *("evidence.parquet", "prompts.parquet", "known.parquet", "calibration.parquet"),
    *("training.json", "control.json", "pictures"),
)
"""What a finished run is whole with; the findings follow from it."""


def intent(asked: Intent, model: Model | None = None) -> Run:
    """Says of what a model draws from prompts whether it is memorized, and whether it is intended.

    The same call goes on after a kill; several processes of one launch share the work. When the
    folder is finished, the same call scores it again, by the rules of this call.

    Arguments:
        asked: The configuration.
        model: Who draws; None = what the configuration names.

    Returns:
        The run, with `findings.parquet`, `generations.parquet`, `results.json` and the pictures.

    Raises:
        NotFound: When something that is named is not there.
        BadInput: When there is no prompt, or something cannot be used as asked.
        MissingCapability: When the model draws from no captions.
        RunConflict: When the folder holds another run.
    """
    planned = plan(asked, model)
    task = planned.task
    naming = naming_by(
        asked.text_encoder,
        asked.text_threshold,
        planned.prompts,
        planned.features,
        asked.opening.device,
    )
    run = open_run(asked.out, COMMAND, asked.to_json(), _fingerprints(asked, planned))
    if not run.finished:
        forget_peak(asked.opening.device)
        device, size = asked.opening.device, task.size[1:]
        rows = draw_all(run, task, room_for(task.model, asked.batch_size, device, [size]))
        if Processes.here().is_main:
            _write_observed(run.folder, planned, naming)
            write_rows(run.folder / "evidence.parquet", evidence_rows(task, rows), EVIDENCE)
            _look_at_control(run.folder, planned)
            score(run.folder, asked.rules, asked.expected, asked.trust_control)
            run.finish(*PRODUCTS, memory=memory_of(rows))
    elif Processes.here().is_main:
        score(run.folder, asked.rules, asked.expected, asked.trust_control)
    Processes.here().wait()
    return run


def _look_at_control(folder: Path, planned: Plan) -> None:
    """Tests whether the pictures under the unrelated prompts are of the kind of those asked about.

    A caption is a prompt, so it counts once: its first picture stands for all of them.
    """
    training, task = planned.training, planned.task
    first = {prompt.text: prompt.id for prompt in prompts_of(training.captions)}
    texts = {
        role: [prompt.text for prompt in planned.prompts if prompt.role == role]
        for role in ("prompt", "unrelated")
    }

    def read(id: str) -> Sample:
        sample = task.subjects.sample(SPLIT, id)
        image = task.subjects.crop(sample.image[None])[0]
        return replace(sample, image=image)

    asked, unrelated = (
        Side([first[text] for text in some if text in first], read) for some in texts.values()
    )
    look_at_control(folder, asked, unrelated, task.asked.seed, embedder_of(task.likeness))


def open_teller(asked: Intent, subjects: Subjects) -> Model:
    """Opens the model, or a control; a memorizer is told the captions that its images came with.

    Raises:
        BadInput: When the model was made for images of another size.
        MissingCapability: When it draws from no captions.
    """

    def samples(control: str) -> list[Sample]:
        if subjects.marked is not None and control == "gaussian":
            return control_samples(subjects.marked, control, asked.seed)
        return list(subjects.readable(SPLIT))

    if subjects.marked is not None:
        check_stated_fit(asked.model, subjects.marked)
    model = open_model(asked.model, asked.opening, control_samples=samples)
    check_subjects_fit(model, subjects)
    if isinstance(model, Foreseen) and not model.is_network:
        return model
    if isinstance(model, Memorizer):
        return replace(model, told=tuple(s.caption or "" for s in subjects.readable(SPLIT)))
    if not isinstance(model, Gaussian | Average) and not is_captioned(model):
        raise MissingCapability(
            f'"{asked.model}" draws from no captions, and intent is about prompts. Name a '
            "text-to-image model."
        )
    return model


def _own_prompts(asked: Intent) -> list[Prompt] | None:
    """What the user asks about; None = the captions of the training images."""
    if asked.prompts is not None:
        return read_prompts(asked.prompts)
    return prompts_from(asked.captions) if asked.captions else None


def _fingerprints(asked: Intent, planned: Plan) -> dict[str, str]:
    words = [f"{p.role} {p.id} {p.text} {p.entities}" for p in planned.prompts]
    prints = {
        **model_fingerprints(asked.model, asked.opening),
        "training": planned.training.content,
        "prompts": digest(0, *words).hex()[:16],
        "features": digest(0, *map(str, planned.features)).hex()[:16],
        **weights_of(planned.task.likeness),
    }
    if asked.text_encoder is not None:
        prints["text_encoder"] = encoder_fingerprint(asked.text_encoder)
    return prints


def _write_observed(folder: Path, planned: Plan, naming: Naming) -> None:
    """Writes what the scoring needs beside the evidence."""
    training, likeness = planned.training, planned.task.likeness
    write_rows(folder / "prompts.parquet", _prompt_rows(planned, naming), PROMPTS)
    write_rows(folder / "known.parquet", _known_rows(planned), KNOWN)
    calibration: list[dict[str, Any]] = [
        {"kind": "pair", "similarity": float(value)} for value in training.pairs
    ]
    calibration += [
        {"kind": "image", "id": id, "nearest": other, "similarity": value}
        for id, other, value in training.left_out(likeness, planned.task.asked.seed)
    ]
    write_rows(folder / "calibration.parquet", calibration, CALIBRATION)
    write_ours(
        folder / "training.json",
        {
            "images": len(training.ids),
            "pictures": len(set(training.clusters.values())),
            "quarantined": training.quarantined,
            "likeness": likeness.card(),
        },
    )


def _prompt_rows(planned: Plan, naming: Naming) -> list[dict[str, Any]]:
    worded = [feature for feature in planned.features if feature.names]
    rows = []
    for prompt in planned.prompts:
        named = {f.id: words for f in worded if (words := naming(prompt, f)) is not None}
        note = None if prompt.entities else "No word of it can be taken out."
        rows.append(
            {
                "kind": prompt.role,
                "id": prompt.id,
                "text": prompt.text,
                "entities": list(prompt.entities),
                "named": list(named),
                "named_by": list(named.values()),
                "note": note,
            }
        )
    return rows


def _known_rows(planned: Plan) -> list[dict[str, Any]]:
    training = planned.training
    return [
        {
            "feature": feature.id,
            "kind": feature.kind,
            "name": feature.name,
            "names": list(feature.names),
            "images": list(feature.images),
            "pictures": sorted({training.clusters[id] for id in feature.images}),
            "caption": training.captions.get(feature.name) if feature.kind == "image" else None,
        }
        for feature in planned.features
    ]
