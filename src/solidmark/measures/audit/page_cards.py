"""The cards of an audit: the images that look most memorized, and held-out ones for comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from solidmark.measures.audit.page_run import Answer, Audit, numbers_of, title_of
from solidmark.measures.audit.painting import painted
from solidmark.page.comparison import captions_of, card_lists, proof_of
from solidmark.page.gaps import gap_bars, hits
from solidmark.page.paths import Scale, common_scale, compared, energy_path
from solidmark.page.pictures import Picture, embed
from solidmark.page.sections import Card, Cards, Gallery, Reading, Shown
from solidmark.page.strips import energy_curves, key_bars
from solidmark.scores.own_key import Name, OwnKey, own_keys
from solidmark.scores.scored import Score
from solidmark.verdicts.readers import DRAWING

COMPARED = 6
"""So many held-out images stand below the gallery."""

EMPTY = "No trained image could be scored."


LEGEND = {
    "gaps": "Bars: how far they lie apart, low = read well; the dotted line is luck.",
    "energy": "Curve with a triangle: the energy over all grey levels; the dashed line is the true "
    "key, the triangle the key read.",
    "path": "Falling line: the energy by step from a neutral grey frame, low = known, on one scale "
    "for all cards; dashed are held-out images on average. It falls whichever key was read: an "
    "image is named by its key, not by this line.",
}
"""How to read the drawings of a card, by their class."""


@dataclass(frozen=True)
class _Shown:
    """The rows of all cards, and what needs all of them."""

    audit: Audit
    answers: Mapping[Name, Answer]
    told: Mapping[str, Mapping[str, str]]
    scores: Mapping[Name, Score]
    near: Mapping[Name, OwnKey]
    scales: Mapping[str, Scale]


def gallery(audit: Audit, images: bool, top: int) -> tuple[Cards | None, Gallery]:
    """The images by the first reader that names any, or scored any: lowest p first, then distance.

    Returns:
        The first of them for the top of the page, None where there is no picture; and all.
    """
    title, link = "Images, most memorized first", "Images"
    scored = [name for name in audit.readers if len(audit.of(name, "trained"))]
    naming = [name for name in scored if audit.names_of(name)]
    if not scored:
        return None, Gallery("images", title, empty=EMPTY, link=link)
    reader = (naming or scored)[0]
    ranked = audit.scores.first(reader, "trained")
    trained = audit.scores.rows(ranked[:top])
    held_out = audit.scores.rows(audit.scores.first(reader, "held_out")[:COMPARED])
    shown = _shown(audit, [*trained, *held_out], images)
    cards, lucky = ([_card(shown, one, images) for one in some] for some in (trained, held_out))
    said = [
        f"The {len(cards):,} of {len(ranked):,} trained images with the lowest p by "
        f"{title_of(reader)}, then the smallest distance."
    ]
    if (repeats := audit.scores.repeats(reader, "trained")) > 1:
        said.append(f"Each image was read {repeats} times; the first reading is shown.")
    if len(audit.scores.rows(ranked[:1])[0].key) == 1:
        said.append("With one grey level as key a single image is rarely proof: judge the counts.")
    missing = audit.marked.missing if images else ""
    left_out = f"{missing} The marked images and their captions are left out."
    section = Gallery(
        "images",
        title,
        (" ".join(said), _legend(cards)),
        warnings=(left_out,) if missing else (),
        folded=bool(naming),  # Their list stands above.
        link=link,
        lists=card_lists(cards, lucky),
        empty=EMPTY,
    )
    brief = [replace(card, readings=tuple(map(_brief, card.readings[:1]))) for card in cards]
    proof = proof_of(brief)
    read = "Grey swatches: the true key above, the key read below."
    return proof and replace(proof, said=(*proof.said, read)), section


def _shown(audit: Audit, chosen: Sequence[Score], images: bool) -> _Shown:
    ids = {score.id for score in chosen}
    scores = {one.name: one for one in audit.scores.find(ids, ("trained", "held_out"))}
    answers = audit.answers.of(ids)
    # One scale a reader, so that the cards can be compared.
    paths: dict[str, list[Sequence[float]]] = {}
    for name, score in scores.items():
        if (answer := answers.get(name)) is not None:
            usual = audit.answers.usual_paths.get(score.reader, ())
            paths.setdefault(score.reader, [usual]).append(answer.path)
    return _Shown(
        audit,
        answers,
        audit.marked.describe(ids) if images else {},
        scores,
        own_keys(audit.scores, list(scores.values())),
        {reader: common_scale(some) for reader, some in paths.items()},
    )


def _card(shown: _Shown, score: Score, images: bool) -> Card:
    audit, told = shown.audit, shown.told.get(score.id, {})
    order = sorted(audit.readers, key=lambda name: name != score.reader)
    rows = [
        shown.scores[name]
        for name in ((reader, *score.name[1:]) for reader in order)
        if name in shown.scores
    ]
    return Card(
        score.id,
        (*([("group", score.group)] if score.group else []), *captions_of(told)),
        tuple(_pictures(shown, score, order)) if images else (),
        readings=tuple(_reading(shown, row, titled=len(rows) > 1) for row in rows),
        named=any(map(audit.names, rows)),
    )


def _pictures(shown: _Shown, score: Score, order: Sequence[str]) -> list[Shown]:
    """The marked image, its mark as it was read, and what the model drew for it."""
    audit, marked = shown.audit, shown.audit.marked
    found: list[tuple[Picture | None, str]] = []
    if marked.folder is not None:
        found.append((embed(marked.folder, marked.files.get(score.id)), "marked image"))
    artist = next((name for name in order if name in DRAWING), "")
    answer = shown.answers.get((artist, *score.name[1:]))
    drawn = embed(audit.folder, answer.picture) if answer and answer.picture else None
    # What Outpaint drew is the frame that Outpaint read.
    if score.reader != "outpaint" or drawn is None:
        found.append((painted(marked, score.id, score.key_read), "mark as read"))
    found.append((drawn, f"{title_of(artist)} drew"))
    return [Shown(picture, what, score.id) for picture, what in found if picture is not None]


def _reading(shown: _Shown, score: Score, *, titled: bool) -> Reading:
    facts = [*numbers_of(score).items()]
    if read_well := hits(score.key, score.key_read):
        facts.append(("within 0.1", read_well))
    drawings = [key_bars(score.key, score.key_read) + gap_bars(score.key, score.key_read)]
    if (answer := shown.answers.get(score.name)) is not None:
        mean = shown.audit.answers.usual_paths.get(score.reader, ())
        drawings += [
            energy_curves(answer.candidates, answer.energies, score.key, score.key_read),
            path := energy_path(answer.path, mean, shown.scales[score.reader]),
        ]
        if path:
            facts.append(("energy left", compared(answer.path, mean)))
    return Reading(
        title_of(score.reader) if titled else "",
        tuple(facts),
        titled and shown.audit.names(score),
        tuple(filter(None, drawings)),
        _whose(shown.near.get(score.name)),
    )


def _brief(reading: Reading) -> Reading:
    """What proves it: how the keys compare, and how likely that is by luck."""
    facts = tuple(fact for fact in reading.facts if fact[0] in ("distance", "p", "q"))
    return replace(reading, title="", facts=facts, drawings=reading.drawings[:1])


def _whose(own: OwnKey | None) -> str:
    """Where the own key stands among all keys, and whose is next."""
    if own is None or not own.other:
        return ""
    said = f"Own key: {own.place} of {own.of:,}."
    if own.rank == 1:
        return f"{said} Next, {own.other_distance:.3f} away: {own.other}."
    near = "nearer" if own.other_distance < own.distance - 1e-9 else "as near"
    return f"{said} Another image’s key is {near}, {own.other_distance:.3f} away: {own.other}."


def _legend(cards: Sequence[Card]) -> str:
    """How to read the cards: of what stands on them only."""
    drawings = [one for card in cards for reading in card.readings for one in reading.drawings]
    seen = [said for kind, said in LEGEND.items() if f'class="{kind}"' in Markup("").join(drawings)]
    return " ".join(("Swatches: the true key above, the key read below.", *seen))
