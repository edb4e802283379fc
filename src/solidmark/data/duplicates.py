"""Which images of a data set are the same picture: copies, re-encoded copies, resized copies.

A `Signature` is computed once an image, while it is at hand, and stored; the groups are a pure
function of the signatures, whatever their order.
"""

import base64
import hashlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from solidmark.data.buckets import MOST_GREY, Buckets, Numbers, near_hashes
from solidmark.data.dataset import Sample
from solidmark.data.prepare import content_hash, to_picture
from solidmark.errors import BadInput
from solidmark.types import Image

GREY_SIDE = 16
COLOUR_SIDE = 4
MOST_COLOUR = 10.0
FLAT = 1.0
"""Below this standard deviation of the grey thumbnail, of 255, a picture counts as blank: its hash
would be that of the noise, so all blank pictures get one."""

_CONTENT = 16

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Signature:
    """What is kept of an image to find its duplicates. All text: `asdict` is JSON.

    Arguments:
        content: The hash of the pixels.
        phash: The perceptual hash, 64 bits as 16 hexadecimal characters.
        grey: 16 x 16 grey levels, base64.
        colour: 4 x 4 RGB values, base64.
    """

    content: str
    phash: str
    grey: str
    colour: str


def sign(image: Sample | Image) -> Signature:
    """The signature of a prepared image.

    Arguments:
        image: A sample, or values in [0, 1] with shape (C, H, W).
    """
    picture = to_picture(image.image if isinstance(image, Sample) else image)
    content = image.content if isinstance(image, Sample) else content_hash(picture)
    return sign_picture(picture, content)


def sign_picture(picture: Picture.Image, content: str) -> Signature:
    """The signature of a picture.

    Arguments:
        picture: In mode "L" or "RGB".
        content: The hash of its pixels.
    """
    import imagehash

    grey = _thumbnail(picture.convert("L"), GREY_SIDE)
    colour = _thumbnail(picture.convert("RGB"), COLOUR_SIDE)
    flat = np.frombuffer(base64.b64decode(grey), dtype=np.uint8).std() < FLAT
    phash = "0" * 16 if flat else str(imagehash.phash(picture))
    return Signature(content, phash, grey, colour)


def group_duplicates(
    ids: Sequence[str], signatures: Iterable[Signature], near: bool = True
) -> dict[str, str]:
    """Groups the images that are the same picture, as `group_places`.

    Returns:
        For each id the smallest id of its group; its own when it has no duplicate.

    Raises:
        BadInput: When there are not as many signatures as ids, or an id comes twice.
    """
    places = group_places(ids, signatures, near)
    return {id: ids[place] for id, place in zip(ids, places, strict=True)}


def group_places(ids: Sequence[str], signatures: Iterable[Signature], near: bool = True) -> Numbers:
    """Groups the images that are the same picture.

    Exact: equal `content`. Near: perceptual hashes at most 7 of 64 bits apart, AND a root mean
    square difference below 6 of 255 between the 16 x 16 grey thumbnails, AND below 10 between the
    4 x 4 colour ones. Groups are closed under both.

    On 5,000 handwritten digits of 28 x 28 pixels, 12.5 million pairs, the closest two different
    digits are 7.6 apart (7.8 among those with near hashes): none is merged. Of 1,250 copies each,
    it finds all of JPEG quality 75 (at most 4.7 apart), 80 % of quality 50, 98 % of those enlarged
    two- or threefold, 4 % of those made as small as 20 pixels, and none as a copy of another
    digit. Larger images lose less by the same change. Colour tells a red heart from a purple one,
    4.0 apart in grey and 56 in colour. Smooth gradients have no stable hash: of these only exact
    copies are found for sure. 100,000 different images take 6 seconds.

    Arguments:
        ids: The images' ids.
        signatures: The signature of each.
        near: Whether re-encoded and resized copies count too.

    Returns:
        For each image the place of the smallest id of its group; its own when it has no duplicate.

    Raises:
        BadInput: When there are not as many signatures as ids, or an id comes twice.
    """
    contents, looks = bytearray(), _Looks()
    for signature in signatures:
        contents += hashlib.blake2b(signature.content.encode(), digest_size=_CONTENT).digest()
        if near:
            looks.add(signature)
    count, different = len(contents) // _CONTENT, len(set(ids))
    if len(ids) != count or different != len(ids):
        raise BadInput(
            f"{count} signatures were given for {different} different ids among "
            f"{len(ids)}. Give each image one id and one signature."
        )
    _, first, member = np.unique(
        np.frombuffer(contents, dtype=f"V{_CONTENT}"), return_index=True, return_inverse=True
    )
    order = np.argsort(first)  # Numbered as they come, so that without copies nothing is moved.
    first, member = first[order], np.argsort(order)[member]
    root = looks.groups(first)[member] if near and count else member
    # Whose group is whose is known by its smallest id, whatever their order.
    rank = np.empty(count, dtype=np.int64)
    order = _sorted(ids)
    rank[order] = np.arange(count)
    smallest = np.full(int(root.max(initial=-1)) + 1, count)
    np.minimum.at(smallest, root, rank)
    return order[smallest[root]]


def _sorted(ids: Sequence[str]) -> Numbers:
    """The places of ids in their order."""
    return np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)


@dataclass
class _Looks:
    """What pictures look like: 312 bytes each."""

    hashes: "array[int]" = field(default_factory=lambda: array("Q"))
    grey: bytearray = field(default_factory=bytearray)
    colour: bytearray = field(default_factory=bytearray)

    def add(self, signature: Signature) -> None:
        self.hashes.append(int(signature.phash, 16))
        self.grey += base64.b64decode(signature.grey)
        self.colour += base64.b64decode(signature.colour)

    def groups(self, some: Numbers) -> Numbers:
        """The number of the group of some pictures, found among pairs whose hashes are near."""
        hashes = np.frombuffer(self.hashes, dtype=np.uint64)[some]
        grey, colour = (
            np.frombuffer(values, dtype=np.uint8).reshape(len(self.hashes), -1)
            for values in (self.grey, self.colour)
        )
        if len(some) < len(self.hashes):  # Else they are all, in their order.
            grey, colour = grey[some], colour[some]
        unique, bucket = np.unique(hashes, return_inverse=True)
        buckets = Buckets.of(bucket.astype(np.int64), grey.mean(axis=1))
        root = np.arange(len(some))
        for image, other in buckets.portions(*near_hashes(unique)):
            one, two = buckets.pairs(image, other, root)
            for values, most in ((grey, MOST_GREY), (colour, MOST_COLOUR)):
                close = _distance(values[one], values[two]) < most
                one, two = one[close], two[close]
            if len(one):
                root = _joined(root, root[one], root[two])
        return root


def _thumbnail(picture: Picture.Image, side: int) -> str:
    small = picture.resize((side, side), Picture.Resampling.BOX)
    return base64.b64encode(small.tobytes()).decode()


def _distance(one: Bytes, two: Bytes) -> NDArray[np.float64]:
    """Root mean square differences, row by row, in grey levels of 255."""
    difference = one.astype(np.int32) - two
    return np.sqrt((difference**2).mean(axis=1))


def _joined(root: Numbers, one: Numbers, two: Numbers) -> Numbers:
    """The groups after joining the groups `one` and `two`, pair by pair."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(root)
    graph = coo_array((np.ones(len(one), dtype=bool), (one, two)), shape=(size, size))
    labels: Numbers = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels[root]
