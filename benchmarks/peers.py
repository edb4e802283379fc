"""What it costs to exchange keys among peers, where keys drawn anew would be wrong.

    python benchmarks/peers.py > benchmarks/peers.md

Readings are drawn, no model is asked: of a share of 64 images the key and a normal error, of the
others the average key of their caption. So who shares a caption is the hardest case for names.
"""

import sys
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from solidmark.scores import peers_of, q_values, statistic_p_values
from solidmark.scores.keys import image_keys

IMAGES, KEYS, RUNS, FDR = 64, 16, 12, 0.05
SIZES = (2, 4, 8, 64)
NOISES = (0.15, 0.3, 0.45)
SHARES = (1.0, 0.125)


def main() -> None:
    sys.stdout.write("\n".join(page()) + "\n")


def page() -> Iterator[str]:
    yield from (
        "# What exchanging keys among peers costs, and what it saves",
        "",
        f"`python benchmarks/peers.py`. {IMAGES} images of {KEYS} keys, so many to a caption; of a "
        "share of them the key is read with a normal error (standard deviation), of the others the "
        "average key of their caption, as a model would that knows averages. Mean of "
        f"{RUNS} runs, names at a false-discovery rate of {FDR:g}. *Anew*: p-values of keys drawn "
        "anew, as before; *exchanged*: of keys exchanged among peers. Wrong: the share of the "
        "names that is.",
        "",
        "| images a caption | memorized | error | named of the memorized: anew | exchanged "
        "| wrong: anew | exchanged |",
        "|---|---|---|---|---|---|---|",
    )
    for size in SIZES:
        for share in SHARES:
            for noise in NOISES:
                found = np.array([run(size, share, noise, number) for number in range(RUNS)])
                anew, exchanged, wrong, less = found.mean(axis=0)
                yield (
                    f"| {size} | {share:.0%} | {noise:g} | {anew:.0%} | {exchanged:.0%} "
                    f"| {wrong:.0%} | {less:.0%} |"
                )


def run(size: int, share: float, noise: float, number: int) -> tuple[float, ...]:
    """Named of the memorized, and wrong of the named, by both nulls."""
    random = np.random.default_rng([size, round(100 * share), round(100 * noise), number])
    keys = random.integers(256, size=(IMAGES, KEYS)) / 255
    caption = np.arange(IMAGES) // size
    known = np.arange(IMAGES) % round(1 / share) == 0
    average = np.stack([keys[caption == c].mean(axis=0) for c in caption])
    own = (keys + noise * random.standard_normal(keys.shape)).clip(0, 1)
    read = np.where(known[:, None], own, average)
    ids = [f"{image:03d}" for image in range(IMAGES)]
    table = pa.table(
        {
            "id": ids,
            "split": ["trained"] * IMAGES,
            "group": pa.nulls(IMAGES, pa.string()),
            "key_group": ids,
            "key": keys.tolist(),
            "caption": [f"caption {c}" for c in caption],
        }
    )
    peers = peers_of(image_keys(table))
    numbers = peers.of_image.tolist()
    p = np.empty(IMAGES)
    for group in set(numbers):
        rows = [row for row, own_group in enumerate(numbers) if own_group == group]
        weights = peers.pools[group].weights
        p[rows] = statistic_p_values("l1", keys[rows], read[rows], weights=weights)
    found = []
    for values in (statistic_p_values("l1", keys, read), p):
        named = q_values(values) <= FDR
        found.append((named[known].mean(), (named & ~known).sum() / max(1, named.sum())))
    return found[0][0], found[1][0], found[0][1], found[1][1]


if __name__ == "__main__":
    main()
