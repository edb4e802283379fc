"""A model that was trained on marked images, packed for others: weights, card, crop, keys."""

from solidmark.releasing.card import card
from solidmark.releasing.cropping import crop_box
from solidmark.releasing.pushing import push
from solidmark.releasing.release import Release, release

__all__ = ["Release", "card", "crop_box", "push", "release"]
