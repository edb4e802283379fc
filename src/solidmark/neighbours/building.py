"""Makes the lists of a matrix, in pieces: a kill costs at most the one in flight.

The centres are learned from a sample, one round of k-means after the other; vectors are added shard
by shard, each to a file of its own, and the files are merged on the disk. All of it is done by one
thread, so that the same vectors make the same lists anywhere; processes of one launch share the
pieces.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.neighbours.lists import PER_LIST, Lists
from solidmark.neighbours.matrix import Matrix
from solidmark.runs import (
    Processes,
    fingerprint,
    progress,
    read_json,
    whole_file,
    write_bytes,
    write_json,
)

DONE = "lists.json"
"""What the lists were made from, and the hashes of their files: written last."""

INDEX, DATA, SIZES = "index.faiss", "lists.bin", "sizes.npy"
"""The centres and what codes mean; codes and numbers, list after list; the sizes of the lists."""

_PLAN = "plan.json"
CODES = ".codes.npy"
"""What the file of a piece ends with that holds the rows: a code, and the number of the vector."""

_ROUNDS = 10
_PIECE_BYTES = 2**26

Vectors = Float[NDArray[np.float32], "N D"]


def build_lists(matrix: Matrix, lists: Lists, folder: Path, title: str = "vectors") -> None:
    """Makes the lists of a matrix; the same call goes on after a kill, and others begin anew.

    Arguments:
        matrix: Vectors of float32.
        folder: Where they lie; it holds nothing else.
        title: What is laid out, for the progress.
    """
    processes, plan = Processes.here(), lists.plan(matrix)
    if processes.is_main and not _is_done(folder, plan) and _read(folder / _PLAN) != plan:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_json(folder / _PLAN, plan)
    processes.wait()
    if _is_done(folder, plan):
        _tidy(folder)
        return
    at_once = max(1, _PIECE_BYTES // (4 * matrix.width))
    starts = range(0, len(matrix), at_once)
    sample = min(len(matrix), PER_LIST * lists.count)
    total = _ROUNDS * sample + len(matrix)
    with progress(f"laying out the {title}", total) as advance, one_thread():
        if processes.is_main and not (folder / INDEX).is_file():
            _learn(matrix, lists, folder, sample, advance)
        else:
            advance(_ROUNDS * sample)
        processes.wait()
        empty = read_empty(folder)
        for number in processes.share(range(len(starts))):
            path = folder / f"piece-{number:06d}.npy"
            stop = min(starts[number] + at_once, len(matrix))
            if not path.is_file():
                _add(matrix, empty, path, starts[number], stop)
            advance(stop - starts[number])
        processes.wait()
        if processes.is_main:
            pieces = [folder / f"piece-{n:06d}.npy" for n in range(len(starts))]
            _merge(folder, pieces, empty.code_size)
            files = {name: fingerprint(folder / name) for name in (INDEX, DATA, SIZES)}
            write_json(folder / DONE, {**plan, "files": files})
            _tidy(folder)
    processes.wait()


def made_of(folder: Path) -> dict[str, Any]:
    """What lists were made from, with the hashes of their files.

    Raises:
        BadInput: When there are none.
    """
    found = _read(folder / DONE)
    if found is None or not isinstance(found.get("files"), dict):
        raise BadInput(f'"{folder}" holds no lists that can be read. Make them again.')
    return found


def read_empty(folder: Path) -> Any:
    """The lists without their vectors: the centres, and what codes mean.

    Raises:
        BadInput: When they cannot be read.
    """
    import faiss

    try:
        return faiss.deserialize_index(np.fromfile(folder / INDEX, np.uint8))
    except (OSError, RuntimeError) as error:
        line = str(error).splitlines()[0][:200]
        raise BadInput(f'"{folder / INDEX}" cannot be read ({line}). Make it again.') from error


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it faiss adds in one order, however many cores there are."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _tidy(folder: Path) -> None:
    """Removes what finished lists were made of."""
    for path in folder.iterdir():
        if path.name not in (DONE, INDEX, DATA, SIZES):
            path.unlink(missing_ok=True)


def _is_done(folder: Path, plan: dict[str, Any]) -> bool:
    """Whether there are lists of this plan, as they were written."""
    found = _read(folder / DONE)
    if found is None or {name: found.get(name) for name in plan} != plan:
        return False
    files: dict[str, str] = found.get("files") or {}
    return set(files) == {INDEX, DATA, SIZES} and all(
        (folder / name).is_file() and fingerprint(folder / name) == hash
        for name, hash in files.items()
    )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found = read_json(path) if path.is_file() else None
    except (BadInput, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _learn(
    matrix: Matrix, lists: Lists, folder: Path, sample: int, advance: Callable[[int], object]
) -> None:
    """Learns the centres, round by round, and writes the lists without vectors."""
    import faiss

    generator = np.random.default_rng(lists.seed)
    numbers = np.sort(generator.choice(len(matrix), sample, replace=False))
    vectors = matrix.stored(numbers)
    path, done = folder / "centres.npz", 0
    centres = vectors[generator.choice(sample, lists.count, replace=False)]
    if path.is_file():
        kept = np.load(path, allow_pickle=False)
        done, centres = int(kept["done"]), kept["centres"]
    advance(done * sample)
    for number in range(done, _ROUNDS):
        learning = faiss.Clustering(matrix.width, lists.count)
        learning.niter, learning.seed = 1, lists.seed
        learning.min_points_per_centroid, learning.max_points_per_centroid = 1, sample
        faiss.copy_array_to_vector(centres.ravel(), learning.centroids)
        learning.train(vectors, faiss.IndexFlatL2(matrix.width))
        centres = faiss.vector_to_array(learning.centroids).reshape(lists.count, -1)
        with whole_file(path) as file:
            np.savez(file, centres=centres, done=number + 1)
        advance(sample)
    index = faiss.index_factory(matrix.width, f"IVF{lists.count},{lists.code}")
    faiss.downcast_index(index.quantizer).add(centres)
    index.train(vectors)
    write_bytes(folder / INDEX, faiss.serialize_index(index).tobytes())
    path.unlink(missing_ok=True)


def _add(matrix: Matrix, empty: Any, path: Path, start: int, stop: int) -> None:
    """Writes a piece: the codes of some of the vectors, list after list."""
    import faiss

    vectors = matrix.stored(np.arange(start, stop))
    owner = empty.quantizer.search(vectors, 1)[1][:, 0]
    codes = np.empty((len(vectors), empty.code_size), np.uint8)
    pointers = (faiss.swig_ptr(array) for array in (vectors, owner, codes))
    empty.encode_vectors(len(vectors), *pointers)
    order = np.argsort(owner, kind="stable")
    numbers = (order + start).astype(np.int64)[:, None].view(np.uint8)
    _save(path.with_suffix(CODES), np.concatenate([codes[order], numbers], axis=1))
    _save(path, np.bincount(owner, minlength=empty.nlist).astype(np.uint64))


def _merge(folder: Path, pieces: list[Path], code_size: int) -> None:
    """Writes all lists to one file, a few at a time: each its codes, then its numbers."""
    sizes = np.stack([np.load(path, allow_pickle=False) for path in pieces]).astype(np.int64)
    stops = np.cumsum(sizes, axis=1)
    whole = sizes.sum(axis=0)
    with whole_file(folder / DATA) as file:
        first = 0
        while first < len(whole):
            many = np.cumsum(whole[first:]) * (code_size + 8) <= _PIECE_BYTES
            last = first + max(1, int(many.sum()))
            starts = stops[:, first] - sizes[:, first]
            parts = [
                np.array(_open(path)[start:stop])
                for path, start, stop in zip(pieces, starts, stops[:, last - 1], strict=True)
            ]
            cuts = stops[:, first:last] - starts[:, None]
            split = [np.split(part, cut[:-1]) for part, cut in zip(parts, cuts, strict=True)]
            for some in zip(*split, strict=True):
                one = np.concatenate(some)
                file.write(np.ascontiguousarray(one[:, :code_size]).data)
                file.write(np.ascontiguousarray(one[:, code_size:]).data)
            first = last
    _save(folder / SIZES, whole.astype(np.uint64))


def _open(path: Path) -> NDArray[np.uint8]:
    found: NDArray[np.uint8] = np.load(path.with_suffix(CODES), mmap_mode="r", allow_pickle=False)
    return found


def _save(path: Path, array: NDArray[Any]) -> None:
    with whole_file(path) as file:
        np.save(file, array)
