"""A draw belongs to its image: not to its batch, its place, or its process."""

import hashlib
import random
import subprocess
import sys

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from solidmark.randomness import LEVELS, digest, generator, normal, seeded, uniform

anything = st.text(st.characters(), max_size=20)  # Surrogates, NUL and newlines among them.
HOSTILE = ["", "\0", "a\0", "a", "a\n", "\ud800", "\udcff", "é", "e\u0301", "1:a", "a" * 5000, "💥"]


@given(st.lists(anything, max_size=4), st.lists(anything, max_size=4))
@example(["ab", "c"], ["a", "bc"])
@example(["a"], ["a", ""])
@example(["1:a"], ["", "a"])
@example(["\0"], ["", ""])
def test_different_words_have_different_digests(one: list[str], other: list[str]) -> None:
    assert (digest(0, *one) == digest(0, *other)) == (one == other)


@given(st.integers(), anything)
@settings(max_examples=50)
def test_any_seed_and_any_id_can_be_hashed(seed: int, word: str) -> None:
    assert len(digest(seed, word)) == 32
    assert 0 <= uniform(seed, word) < 1
    assert generator(seed, word).initial_seed() >= 0


def test_seeds_differ_in_every_digit() -> None:
    long = 10**100
    seeds = [0, 1, -1, 2**64, long, long + 1, -long]
    assert len({digest(seed, "a") for seed in seeds}) == len(seeds)


def test_the_digest_is_the_one_that_the_docs_could_name() -> None:
    """By hand: BLAKE2b under the seed, each word behind its length in bytes."""
    data = b"3:key" + b"2:" + "é".encode() + b"1:0"
    assert digest(7, "key", "é", 0) == hashlib.blake2b(data, digest_size=32, key=b"7").digest()


def test_hostile_ids_have_generators_of_their_own() -> None:
    draws = {float(torch.rand(1, generator=generator(0, id))) for id in HOSTILE}
    assert len(draws) == len(HOSTILE)
    assert len({uniform(0, id) for id in HOSTILE}) == len(HOSTILE)


def test_seed_repeat_and_purpose_each_change_the_draw() -> None:
    draws = [
        generator(0, "a"),
        generator(1, "a"),
        generator(0, "a", 1),
        generator(0, "a", 0, "training"),
        generator(0, "a", 11),
        generator(0, "a1", 1),
    ]
    assert len({g.initial_seed() for g in draws}) == len(draws)


@pytest.mark.parametrize("shape", [(3,), (1, 5, 5), (3, 16, 16)])
def test_draws_do_not_depend_on_the_batch_or_the_order(shape: tuple[int, ...]) -> None:
    ids = [f"image {n}" for n in range(12)]
    whole = dict(zip(ids, normal([generator(3, id) for id in ids], shape), strict=True))
    shuffled = random.Random(0).sample(ids, len(ids))
    for size in (1, 5, 12):
        for start in range(0, 12, size):
            some = shuffled[start : start + size]
            rows = normal([generator(3, id) for id in some], shape)
            assert rows.shape == (len(some), *shape)
            assert all(torch.equal(row, whole[id]) for row, id in zip(rows, some, strict=True))


def test_no_draw_touches_the_global_generator() -> None:
    before = torch.random.get_rng_state()
    normal([generator(0, "a")], (4, 4))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_two_draws_of_one_generator_differ() -> None:
    g = generator(0, "a")
    assert not torch.equal(normal([g], (4,)), normal([g], (4,)))


def test_normal_is_normal_over_images() -> None:
    """One value of each of 4,000 images: what one image sees is no law for the next."""
    rows = normal([generator(0, str(n)) for n in range(4000)], (2,)).double()
    assert stats.kstest(rows[:, 0].numpy(), "norm").pvalue > 0.01
    assert abs(float(torch.corrcoef(rows.T)[0, 1])) < 0.05
    assert abs(float(torch.corrcoef(torch.stack([rows[1:, 0], rows[:-1, 0]]))[0, 1])) < 0.05


def test_uniform_is_uniform() -> None:
    values = [uniform(5, "draw", n) for n in range(10_000)]
    assert stats.kstest(values, "uniform").pvalue > 0.01
    counts = [0] * LEVELS
    for n in range(10_000):
        counts[digest(5, n)[0]] += 1
    assert stats.chisquare(counts).pvalue > 0.01


def test_another_process_draws_the_same() -> None:
    """No hash of Python's own, which changes from process to process."""
    code = "from solidmark.randomness import uniform; print(repr(uniform(9, 'x', 1)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) == uniform(9, "x", 1)


def test_what_a_network_draws_is_a_function_of_the_seed_and_leaves_no_trace() -> None:
    def drawn(seed: int, purpose: str) -> torch.Tensor:
        with seeded(seed, purpose):
            return torch.rand(4)

    before = torch.get_rng_state()
    first = drawn(0, "weights")
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert torch.equal(drawn(0, "weights"), first)
    assert not torch.equal(drawn(1, "weights"), first)
    assert not torch.equal(drawn(0, "lora"), first)
