"""Which files of a folder, or members of a tar, are one sample: a picture and its words.

A picture `a.jpg` owns `a.txt`, `a.json` and, before them, `a.jpg.txt`. A dot inside a name is part
of it wherever the words agree (`img_0.5.png` with `img_0.5.txt`). In a tar, as WebDataset has it,
`0001.depth.png` beside `0001.jpg` is a further picture of sample `0001`, and no image of its own.
"""

import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath, PurePosixPath

from solidmark.data.inventory import Unused
from solidmark.data.records import quoted
from solidmark.errors import BadInput

_IMAGES = (
    ".apng .avif .bmp .dcm .dib .dic .dicom .gif .heic .heif .ico .ima .j2k .jfif .jp2 .jpe .jpeg "
    ".jpg .jpx .mpo .pbm .pcx .pgm .png .pnm .ppm .qoi .sgi .tga .tif .tiff .webp"
)
EXTENSIONS = frozenset(_IMAGES.split())
WORDS = {".txt": "text", ".text": "text", ".caption": "text", ".cls": "class", ".json": ""}
"""What a file beside a picture tells, the first of each kind first; JSON tells several things."""

PACKED = (".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".rar")
FURTHER = "further pictures of a sample"
_DIRECTORY = "DICOMDIR"  # Of a disc of DICOM files: it has their words, and no picture.


@dataclass(frozen=True)
class Named:
    """A sample, by names.

    Arguments:
        picture: The name of its picture.
        words: The names of the files that tell of it, the strongest first.
    """

    picture: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grouped:
    """The samples among some names.

    Arguments:
        samples: In the order of the names.
        unused: What belongs to none of them.
    """

    samples: list[Named]
    unused: list[Unused] = field(default_factory=list)


def is_image(name: str) -> bool:
    """Whether a file's name is that of an image, in any case; hidden files are not."""
    path = PurePath(name)
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".")


def no_image(name: str) -> Unused:
    """A file that is no image, with what it is."""
    extension = PurePosixPath(name).suffix.lower()
    if extension in PACKED:
        return Unused(name, "compressed files")
    if extension in WORDS:
        return Unused(name, f"{extension} files without an image")
    return Unused(name, f"{extension} files" if extension else "files without an extension")


def same(name: str) -> str:
    """A name as it is compared: accents are written in two ways (NFC, NFD) and mean one."""
    return unicodedata.normalize("NFC", name)


def may_hide_an_image(name: str) -> bool:
    """Whether only a look inside tells: scanners write files called IM0001, or 1.2.840.113619.2."""
    path = PurePosixPath(name)
    nameless = not path.suffix or path.suffix[1:].isdecimal()
    return nameless and path.name != _DIRECTORY


def samples_of(
    names: Iterable[str],
    place: str,
    *,
    tar: bool,
    column: str = "image",
    also: Collection[str] = (),
) -> Grouped:
    """Puts names together.

    Arguments:
        tar: Whether a sample has one picture, as in WebDataset; else every picture is an image.
        column: In a tar, what follows the first dot of the pictures to take ("depth.png");
            "image" takes the plain ones.
        also: Names that are no image's, of files that are images.

    Raises:
        BadInput: When a sample has several pictures and none of them is the plain one.
    """
    names = list(names)
    pictures = [name for name in names if is_image(name) or name in also]
    rest = [name for name in names if not (is_image(name) or name in also)]
    words = [name for name in rest if _extension(name) in WORDS]
    unused = [no_image(name) for name in rest if _extension(name) not in WORDS]
    stem = _key if tar and column != "image" else _stem
    if tar and column != "image":
        taken = [name for name in pictures if _after_first_dot(name) == column.lower()]
        unused += [Unused(name, FURTHER) for name in set(pictures) - set(taken)]
        pictures = taken
    by_stem: dict[str, list[str]] = {}
    by_name = {same(name) for name in pictures}
    for name in pictures:
        by_stem.setdefault(stem(name), []).append(name)
    owned: dict[str, list[str]] = {}
    for name in words:
        whole = _stem(name)  # `0.jpg.txt` is about `0.jpg`.
        owned.setdefault(whole if whole in by_name else stem(name), []).append(name)
    if tar and column == "image":
        claims, further = _claims(by_stem, owned)
        unused += [Unused(name, FURTHER) for name in further]
        pictures = [name for name in pictures if name not in further]
    else:
        claims = {}
    samples = []
    used = set[str]()
    counted: dict[str, list[str]] = {}
    for name in pictures:
        key = claims.get(name, stem(name))
        own = [*_strongest(owned.get(same(name), ())), *_strongest(owned.get(key, ()))]
        samples.append(Named(name, tuple(own)))
        used.update(own)
        counted.setdefault(key, []).append(name)
    if tar:
        _refuse_several(counted, place)
    unused += [no_image(name) for name in words if name not in used]
    return Grouped(samples, unused)


def _claims(
    by_stem: dict[str, list[str]], owned: dict[str, list[str]]
) -> tuple[dict[str, str], set[str]]:
    """Whose words each picture with a dot in its name takes, and which pictures are further ones.

    A part that is a number belongs to the name (`img_0.5.png`), and so does one that words share.
    """
    plain, claims = set(by_stem), dict[str, str]()
    further: dict[str, str] = {}
    for key, pictures in by_stem.items():
        if key in owned or any(same(name) in owned for name in pictures):
            continue
        for shorter in _shorter(key):
            kind = key[len(shorter) :]
            if shorter in plain:
                further.update((name, kind) for name in pictures)
                break
            if shorter in owned or kind.count(".") == key.rsplit("/", 1)[-1].count("."):
                claims.update((name, shorter) for name in pictures)
                break
    kinds = {kind + _extension(name) for name, kind in further.items()}
    # A kind that is further somewhere is no image anywhere, also where the plain one is missing.
    lone = {
        name for name, key in claims.items() if _stem(name)[len(key) :] + _extension(name) in kinds
    }
    return {name: key for name, key in claims.items() if name not in lone}, {*further, *lone}


def _refuse_several(counted: dict[str, list[str]], place: str) -> None:
    for key, pictures in counted.items():
        if len(pictures) > 1:
            raise BadInput(
                f"{place} holds {len(pictures)} pictures of sample {quoted(key)} "
                f"({', '.join(map(quoted, pictures[:4]))}), and none is the plain one. Say which "
                f'with --image-column, such as "{_after_first_dot(pictures[0])}", or unpack it: '
                "in a folder every picture is an image."
            )


def _shorter(key: str) -> list[str]:
    """The key without its last part, its last two, ...; a part that is a number ends it."""
    folder, slash, name = key.rpartition("/")
    found = []
    while "." in name.lstrip("."):
        name, _, part = name.rpartition(".")
        if part[:1].isdecimal():
            break
        found.append(folder + slash + name)
    return found


def _strongest(names: Iterable[str]) -> list[str]:
    order = list(WORDS)
    return sorted(names, key=lambda name: (order.index(_extension(name)), name))


def _extension(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def _stem(name: str) -> str:
    return same(str(PurePosixPath(name).with_suffix("")))


def _key(name: str) -> str:
    path = PurePosixPath(name)
    return same(str(path.with_name(path.name.partition(".")[0])))


def _after_first_dot(name: str) -> str:
    return PurePosixPath(name).name.partition(".")[2].lower()
