"""`open_index`: one image at a time, is it too close to a training image?

.. math:: d \\le t \\iff p \\le fpr

Nothing is refused by a number of a paper, unless it is asked for: the thresholds are those that
held-out images pass within at the rate fpr, each distance by itself. An image whose pixels are
those of a training image is refused whatever the distances say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from solidmark.cards.asked import Way
from solidmark.data import Dataset, Record, Records, Sample, open_data
from solidmark.data.records import FileBytes
from solidmark.data.samples import is_image
from solidmark.errors import BadInput, BrokenImage, NotFound, UnknownName
from solidmark.measures.guard.asked import Asked, source_of
from solidmark.measures.guard.calibration import too_few
from solidmark.measures.guard.stored import Found, Index, load_index
from solidmark.measures.guard.verdict import (
    RULES,
    SECOND,
    Closeness,
    Flags,
    Rule,
    Unread,
    Verdict,
    refused,
    within,
)
from solidmark.measures.nearest.approximated import copies_figure
from solidmark.measures.nearest.gathering import BATCH, contrast
from solidmark.neighbours import Approximate
from solidmark.runs import (
    Answer,
    Figure,
    Job,
    Room,
    Work,
    figure_from,
    find,
    fingerprint,
    hand_all_out,
    progress,
    require_same,
    works_here,
)
from solidmark.scores.content import LOW_CONTENT
from solidmark.verdicts.searched import RECALL

BELOW_IS_SUSPICIOUS = 1.0
"""Of rescaled l2, where nothing is calibrated (Carlini et al., 2023, section 4)."""


@dataclass(frozen=True)
class Guard:
    """Says whether images are too close to the training images of an index.

    Arguments:
        index: The index, open.
        thresholds: Within which an image is too close, by the name of the distance; low = close.
        rule: Whether `any` distance refuses an image, or only `all` together.
        searched: Which share of copies the approximate searches find within these thresholds; none
            where all are exact. `verdicts.searched.blind_measures` says which find too little.

    Example:
        guard = open_index("index/")
        image = pipeline(prompt).images[0]
        while guard(image).refused:
            image = pipeline(prompt).images[0]
    """

    index: Index
    thresholds: Mapping[str, float]
    rule: Rule = "any"
    searched: tuple[Figure, ...] = ()

    def __call__(self, image: Asked) -> Verdict:
        """Judges one image.

        Arguments:
            image: A tensor with shape (C, H, W) in [0, 1], a PIL picture, or the path of a file.
                It is prepared as the training images were (mode, `--resolution`), and cut out of
                its frame where it is of the marked size.

        Raises:
            BrokenImage: When it cannot be read.
            BadInput: When it is not in [0, 1], or its size is not that of the training images.
        """
        return self.many([image])[0]

    def many(self, images: Sequence[Asked]) -> list[Verdict]:
        """Judges several images, faster than one by one, with the same verdicts.

        Distances by pixels and hashes are the same to the bit; those of networks differ by what
        the network's own answers do in a batch (1e-5).

        Raises:
            BrokenImage: When one cannot be read. `screen` goes on without it.
            BadInput: When one is not in [0, 1], or not of the size of the training images.
        """
        verdicts: list[Verdict] = []
        for start in range(0, len(images), BATCH):
            some = enumerate(images[start : start + BATCH], start)
            verdicts += self._judged([self.prepared(image, number) for number, image in some])
        return verdicts

    def screen(
        self, data: Dataset, numbers: Sequence[int] | None = None
    ) -> Iterator[Verdict | Unread]:
        """Judges a data set, image by image in its order; what cannot be judged is named.

        Arguments:
            data: The images.
            numbers: Which of them; all when not given.
        """
        left = iter(range(len(data)) if numbers is None else numbers)
        while some := list(islice(left, BATCH)):
            said = [self._tried(data, number) for number in some]
            good = [sample for sample in said if isinstance(sample, Sample)]
            verdicts = iter(self._judged(good) if good else [])
            yield from (each if isinstance(each, Unread) else next(verdicts) for each in said)

    def screen_all(self, places: Sequence[str]) -> list[Verdict | Unread]:
        """Judges files and folders of images, which are named so that a user finds them.

        Arguments:
            places: As `open` takes them.
        """
        sources = [(place.rstrip("/"), self.open(place)) for place in places]
        if not works_here():
            return self._screened([data for _, data in sources], places)
        found: list[Verdict | Unread] = []
        with progress("judging the images", sum(len(data) for _, data in sources)) as advance:
            for place, data in sources:
                for said in self.screen(data):
                    name = place if data.ids == [place] else f"{place}/{said.id}"
                    found.append(replace(said, id=name))
                    advance(1)
        return found

    def _screened(
        self, sources: Sequence[Dataset], places: Sequence[str]
    ) -> list[Verdict | Unread]:
        """The same by whatever the engine has; a batch is that of one process."""
        batches = [
            [(place, number) for number in range(first, min(first + BATCH, len(data)))]
            for place, data in zip(places, sources, strict=True)
            for first in range(0, len(data), BATCH)
        ]
        found: dict[tuple[str, int], Verdict | Unread] = {}
        away = _Away(
            self.index.folder, self.index.allowed, self.index.device, self.thresholds, self.rule
        )

        def keep(answer: Answer) -> None:
            found.update(answer.rows["said"])

        room = Room(BATCH, self.index.device)
        job = Job(partial(_said, self, {}), room, replace(away, identity=away.found()))
        left = dict(enumerate(batches))
        hand_all_out("judging the images", left, sum(map(len, batches)), job, keep)
        return [found[one] for batch in batches for one in batch]

    def to_json(self, said: Verdict | Unread) -> dict[str, Any]:
        """As plain values, with the picture of the nearest training image where there is one."""
        if isinstance(said, Unread):
            return said.to_json()
        nearest = said.copy_of or said.decisive.nearest
        picture = None if nearest is None else self.index.picture(nearest)
        return {**said.to_json(), "picture": None if picture is None else str(picture)}

    def open(self, where: str) -> Dataset:
        """The images of a file or a folder, prepared as the training images were.

        Raises:
            NotFound: When there is no such path.
            BadInput: When there are no images in it.
        """
        how, path = self.index.preparation, Path(where)
        if not path.exists():  # A misspelt file is not to be looked for on the hub.
            raise NotFound(f'There is no image and no folder "{where}". Check the path.')
        if path.is_file() and is_image(path.name):
            return Records((Record(where, FileBytes(path)),), how)
        return open_data(where, resolution=how.resolution, mode=how.mode, window=how.window)

    def prepared(self, image: Asked, number: int = 0) -> Sample:
        """An image as it is compared.

        Arguments:
            image: As for one question.
            number: What an image is called that has no name.

        Raises:
            BrokenImage: When it cannot be read.
            BadInput: When it is not in [0, 1], or its size is not that of the training images.
        """
        id, load = source_of(image, f"image {number}")
        return self.index.fitted(Records((Record(id, load),), self.index.preparation)[0])

    def _tried(self, data: Dataset, number: int) -> Sample | Unread:
        try:
            return self.prepared(data[number])
        except (BrokenImage, BadInput) as error:
            return Unread(data.ids[number], str(error))

    def _judged(self, samples: Sequence[Sample]) -> list[Verdict]:
        found = self.index.nearest([sample.image for sample in samples])
        contrasts = [contrast(sample.image) for sample in samples]
        low_content = np.array([value < LOW_CONTENT for value in contrasts])
        distances = {name: one.distance for name, one in found.items()}
        close = within(distances, self.thresholds, low_content)
        own = {name: distances[name] for name in self.index.measures}
        refuse = refused({name: close[name] for name in own}, own, self.rule)
        p_values = {name: self.index.null.p_values(name, values) for name, values in own.items()}
        verdicts = []
        for number, sample in enumerate(samples):
            copy = self.index.copied(sample)
            verdicts.append(
                Verdict(
                    sample.id,
                    bool(refuse[number]) or copy is not None,
                    copy,
                    {
                        name: self._closeness(
                            name, found[name], p_values[name], close[name], number
                        )
                        for name in own
                    },
                    contrasts[number],
                    bool(low_content[number]),
                )
            )
        return verdicts

    def _closeness(
        self,
        name: str,
        found: Found,
        p_values: Float[NDArray[np.float64], " N"] | None,
        close: Flags,
        number: int,
    ) -> Closeness:
        """What one distance says of one image."""
        threshold = self.thresholds[name]
        if not found.seen[number]:
            note = "It sees nothing in the image, which is blank."
            return Closeness(name, None, None, None, None, threshold, None, False, note)
        told, is_within = found.reported, bool(close[number])
        distance = float(told.distance[number])
        deceived = distance <= threshold and not is_within
        why = f"Of little content, and not close by {SECOND[name]}." if deceived else None
        return Closeness(
            name,
            self.index.id(int(found.number[number])),
            distance,
            None if told.similarity is None else float(told.similarity[number]),
            None if told.raw is None else float(told.raw[number]),
            threshold,
            None if p_values is None else float(p_values[number]),
            is_within,
            why,
        )


@dataclass(frozen=True)
class _Away:
    """How another process judges.

    Arguments:
        folder: Of the index.
        memory: The most bytes that the index and a search may hold.
        identity: The hash of the manifest of the index.
    """

    folder: Path
    memory: int
    device: str
    thresholds: Mapping[str, float]
    rule: Rule
    identity: str = ""

    def found(self) -> str:
        """The hash of the manifest that is here."""
        return fingerprint(self.folder / "manifest.json")

    def open(self, folder: Path, room: Room) -> Work[tuple[str, int]]:
        index = load_index(self.folder, memory=self.memory, device=self.device)
        require_same({"the index": self.identity}, {"the index": self.found()})
        return partial(_said, Guard(index, self.thresholds, self.rule), {})


def _said(
    guard: Guard, opened: dict[str, Dataset], batch: Sequence[tuple[str, int]]
) -> dict[str, Any]:
    """What is said of some images of one place, by place and number."""
    place = batch[0][0]
    if place not in opened:
        opened[place] = guard.open(place)
    data, where = opened[place], place.rstrip("/")
    numbers = [number for _, number in batch]
    said = zip(batch, guard.screen(data, numbers), strict=True)
    single = data.ids == [where]
    return {"said": {one: s if single else replace(s, id=f"{where}/{s.id}") for one, s in said}}


def open_index(
    folder: Path | str,
    *,
    fpr: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    rule: Rule = "any",
    memory: int = 2**30,
    device: str = "cpu",
    search: Way = "auto",
) -> Guard:
    """Opens an index to ask about images. Embedders are loaded once.

    Arguments:
        folder: A folder of `build_index` (`solidmark index`).
        fpr: The rate at which each distance refuses fresh images; the first that the index was
            built for when not given.
        thresholds: Thresholds to use instead, by the name of the distance, on the scale that it is
            reported on: distances for l2, similarities for embedders.
        rule: `any`: refused when any distance says so; several refuse up to their number times fpr.
            `all`: only when all say so.
        memory: The most bytes to hold, beside Python, its libraries and embedders: a small index
            stays in the memory, a large one is read for every question.
        device: Where embedders and matrix products run.
        search: How vectors are searched for: auto = as the index was built; exact; approximate.

    Raises:
        NotFound: When there is no index.
        RunConflict: When it is not finished.
        BadInput: When the index has too few held-out images for the rate, or none, and a threshold
            is missing.
        UnknownName: When there is no such rule, or no such distance in the index.
    """
    if rule not in RULES:
        raise UnknownName("rule", rule, RULES)
    index = load_index(Path(folder), memory=memory, device=device, way=search)
    rate = index.manifest["config"]["fprs"][0] if fpr is None else fpr
    within = _thresholds(index, rate, thresholds or {})
    return Guard(index, within, rule, tuple(_searched(index, within)))


def _searched(index: Index, thresholds: Mapping[str, float]) -> Iterator[Figure]:
    """What the approximate searches find within these thresholds."""
    known = [figure_from(row, "manifest.json") for row in index.manifest.get("search", ())]
    for space in index.spaces:
        by = space.distances[0]
        if isinstance(space.find, Approximate):
            within = thresholds[by.name]
            told = [one for one in find(known, RECALL, measure=by.name) if one.threshold == within]
            yield from told[:1] or [copies_figure(by, space.find, within, index.memory)]


def _thresholds(index: Index, fpr: float, given: Mapping[str, float]) -> dict[str, float]:
    """The distance within which each measure refuses."""
    known = index.null.distances.keys() | set(index.manifest["measures"])
    for name in given:
        if name not in known:
            raise UnknownName("distance in this index", name, known)
    found: dict[str, float] = {}
    for name in sorted(known):
        threshold: float | None = index.null.threshold(name, fpr)
        if name in given:
            threshold = 1 - given[name] if index.is_similarity(name) else given[name]
        elif threshold is None and name not in index.measures:
            threshold = BELOW_IS_SUSPICIOUS
        if threshold is None:
            count = index.null.count(name)
            why = too_few(count, fpr) if count else "It has no held-out images."
            raise BadInput(
                f'The index "{index.folder}" does not say what is too close by {name}. {why} Give '
                f"--threshold {name}=VALUE, or build it with --held-out."
            )
        found[name] = threshold
    return found
