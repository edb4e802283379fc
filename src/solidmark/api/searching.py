"""Generations and training images beside each other: copies, and a guard against them."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from solidmark.api.given import configured, handed
from solidmark.api.result import Folder, Result

Where = str | os.PathLike[str]


@handed
def nearest(generated: Any, training: Any, out: Where, **options: Any) -> Result:
    """Compares what a model drew with what it was trained on.

    Arguments:
        generated: The generations: a path, pictures in a list, or any data.
        training: The training images: the same, or a folder that `mark` made.
        out: The folder to write.
        options: As of `nearest.Comparison`: distances, held_out, null, fprs, fdr, limit ...;
            `engine` as of `audit`.

    Returns:
        The result.

    Raises:
        NotFound: When there are no such images.
        UnknownName: When there is no such distance or option.

    References:
        Carlini et al. (2023), section 4; SolidMark (Kriplani et al., 2025), section 3.

    Example:
        close = solidmark.nearest(drawn, marked, "close", distances=["l2"])
    """
    from solidmark.measures.nearest import Comparison, score_nearest
    from solidmark.measures.nearest import nearest as search

    folder = Path(out)
    search(configured(Comparison, folder, options, generated=generated, training=training))
    score_nearest(folder)
    return Result(folder)


def fit(data: Any, out: Where, **options: Any) -> Folder:
    """Fits a small embedder to one's own images, where no published one knows their kind.

    Arguments:
        data: Hundreds of images of the kind in question: a path, pictures in a list, or any data.
        out: The folder to write; `own:FOLDER` names it wherever an embedder is named.
        options: As of `nearest.fitting.Fitting`: side, steps, batch_size, limit, seed ...

    Returns:
        The folder; its `manifest` says what share of changed copies it finds.

    Raises:
        NotFound: When there are no such images.
        BadInput: When there are too few different ones.
        UnknownName: When there is no such option.

    References:
        SimCLR (Chen et al., 2020); SSCD (Pizzi et al., 2022).

    Example:
        fitted = solidmark.fit("digits", "fitted", limit=64, steps=2, batch_size=16)
        alike = solidmark.nearest(drawn, marked, "alike", distances=["own:fitted"])
    """
    from solidmark.measures.nearest.fitting import Fitting, fit_own

    folder = Path(out)
    fit_own(configured(Fitting, folder, options, data=data))
    return Folder(folder)


def judge(out: Where, judgements: Where | Iterable[Mapping[str, Any]]) -> Result:
    """Keeps what people say of the pairs of a comparison: which generations are copies.

    Arguments:
        out: The folder of `nearest`, or of an audit without marks.
        judgements: A CSV file, as its page makes one; or rows with `generation`, `image` and
            `verdict` ("copy", "not", "unsure"), and perhaps `split`, `who` and `when`.

    Returns:
        The result of the comparison, whose figures have `judged` and `judged_auc` now.

    Raises:
        NotFound: When there is no such run or file.
        BadInput: When a judgement cannot be used; says which.

    Example:
        pair = next(iter(close.rows))
        said = [{"generation": pair["id"], "image": pair["nearest"], "verdict": "copy"}]
        judged = solidmark.judge(close, said)
    """
    from solidmark.measures.nearest import checked, read_judgements, score_nearest
    from solidmark.measures.nearest import judge as record
    from solidmark.reporting import renew_pages

    if isinstance(judgements, str | os.PathLike):
        rows = read_judgements(Path(judgements))
    else:
        rows = checked(judgements)
    folder = record(Path(out), rows).folder
    score_nearest(folder)
    renew_pages(folder)
    return Result(folder)


@handed
def duplicates(data: Any, out: Where, **options: Any) -> Result:
    """Finds which images of a set are copies of one another.

    Arguments:
        data: A path, pictures in a list, or any data.
        out: The folder to write; `remove.txt` in it names what can go.
        options: As of `nearest.Deduplication`: near, embedder, above, distances, limit ...;
            `engine` as of `audit`.

    Returns:
        The result.

    Raises:
        NotFound: When there are no such images.
        UnknownName: When there is no such option.

    Example:
        copies = solidmark.duplicates(marked, "copies")
    """
    from solidmark.measures.copies import Deduplication
    from solidmark.measures.copies import duplicates as search

    folder = Path(out)
    search(configured(Deduplication, folder, options, data=data))
    return Result(folder)


@handed
def index(training: Any, out: Where, **options: Any) -> Folder:
    """Lays out a training set once, so that single images can be compared with it.

    Arguments:
        training: What a model was trained on: a path, pictures in a list, or any data.
        out: The folder to write.
        options: As of `nearest.Indexing`: distances, held_out, resolution, pictures ...; `engine`
            as of `audit`.

    Returns:
        The folder, which `guard` takes.

    Raises:
        NotFound: When there are no such images.
        UnknownName: When there is no such option.

    Example:
        laid = solidmark.index(marked, "index", distances=["l2"])
    """
    from solidmark.measures.guard import Indexing, build_index

    folder = Path(out)
    build_index(configured(Indexing, folder, options, training=training))
    return Folder(folder)


def guard(index: Where, *, fpr: float = 0.01, **options: Any) -> Any:
    """Opens a guard, which says of single images whether they are too close to a training image.

    Arguments:
        index: The folder that `index` made.
        fpr: The share of fresh images that may be refused.
        options: As of `nearest.open_index`: thresholds, rule, memory, device, search.

    Returns:
        The guard: `guard(image).refused`, of a tensor in [0, 1], a picture or a path.

    Raises:
        NotFound: When there is no index.
        BadInput: When it has no held-out images to calibrate a threshold on, and none is given.

    Example:
        refused = solidmark.guard(laid, fpr=0.1)("drawn/images/000000.png").refused
    """
    from solidmark.measures.guard import open_index

    return open_index(Path(index), fpr=fpr, **options)
