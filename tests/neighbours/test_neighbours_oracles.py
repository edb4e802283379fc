"""The same neighbours as other people's exact searches find."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from solidmark.neighbours import Matrix, Search, search

K = 7
Found = tuple[NDArray, NDArray]


def by_faiss(queries: NDArray, base: NDArray) -> Found:
    faiss = pytest.importorskip("faiss")
    index = faiss.IndexFlatL2(base.shape[1])
    index.add(base)
    squared, numbers = index.search(queries, K)
    return numbers, squared


def by_torch(queries: NDArray, base: NDArray) -> Found:
    far = torch.cdist(torch.from_numpy(queries).double(), torch.from_numpy(base).double())
    near = far.topk(K, largest=False)
    return near.indices.numpy(), near.values.square().numpy()


def by_sklearn(queries: NDArray, base: NDArray) -> Found:
    trees = NearestNeighbors(n_neighbors=K, algorithm="kd_tree").fit(base)
    far, numbers = trees.kneighbors(queries)
    return numbers, far**2


@pytest.mark.parametrize("oracle", [by_faiss, by_torch, by_sklearn])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_others_find_the_same(oracle: Callable[[NDArray, NDArray], Found], kind: type) -> None:
    generator = np.random.default_rng(0)
    base = generator.integers(0, 256, (2000, 48)).astype(kind)
    queries = generator.integers(0, 256, (90, 48)).astype(kind)
    queries[:20] = base[:20]
    found = search(Matrix((queries,)), Matrix((base,)), Search(K))
    numbers, squared = oracle(queries.astype(np.float32), base.astype(np.float32))
    scale = 48 * (255.0**2 if kind is np.uint8 else 1.0)
    np.testing.assert_allclose(found.squared * scale, squared, rtol=1e-5, atol=1e-6)
    # Ties may come in another order there.
    alone = np.diff(squared, axis=1, prepend=-1, append=np.inf) > 0.5
    alone = alone[:, :-1] & alone[:, 1:]
    alone[:, -1] = False
    assert alone.mean() > 0.7
    np.testing.assert_array_equal(found.index[alone], numbers[alone])
