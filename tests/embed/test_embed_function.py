"""Functions of one's own."""

import pytest
import torch
from embedders import images

from solidmark.embed import Function
from solidmark.errors import BadInput


def test_the_rows_are_those_of_the_function() -> None:
    mine = Function("mine", lambda many: torch.tensor([[3.0, 4.0]] * len(many)), 2, "v1", 8, "Me")
    assert torch.allclose(mine.embed(images(3)), torch.tensor([0.6, 0.8]).expand(3, 2))
    assert (mine.card.name, mine.card.weights, mine.card.input_size) == ("mine", "v1", 8)
    assert mine.card.key != Function("mine", mine.function, 2, "v2", 8, "Me").card.key


def test_a_network_of_ones_own_needs_no_gradients() -> None:
    network = torch.nn.Linear(4, 2)
    mine = Function("mine", lambda many: network(torch.stack([i[0, :4, 0] for i in many])), 2, "1")
    assert not mine.embed(images(3)).requires_grad


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (3,)])
def test_rows_of_another_shape_are_an_error(shape: tuple[int, ...]) -> None:
    mine = Function("mine", lambda many: torch.ones(shape), 2, "1")
    with pytest.raises(BadInput, match=r"was expected\. Give one row an image"):
        mine.embed(images(3))
