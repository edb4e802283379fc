"""What an audit says of perturbations: how pictures were changed, and a few before and after."""

from collections.abc import Mapping

from solidmark.cards import PERTURBATIONS
from solidmark.measures.audit.page_run import Audit
from solidmark.page.pictures import embed
from solidmark.page.sections import Card, Cards, Gallery, Note, Section, Shown

KEYS_STAY = (
    "Only the picture inside the frame was changed, before the model was asked; the keys that "
    "count are those of the image as it was marked. Each repeat is changed afresh. Whether the "
    "model knows these pictures at all was asked with unchanged ones."
)


def perturbed_section(audit: Audit, images: bool) -> Section | None:
    """A few pictures before and after; None where they were asked about as they are."""
    done = audit.results.config.get("perturb") or ()
    if not done:
        return None
    hows = [PERTURBATIONS[one["name"]].how for one in done if one["name"] in PERTURBATIONS]
    about = ("perturbed", "How the pictures were changed")
    said = (f"Done: {audit.perturbed}. {' '.join(hows)}", KEYS_STAY)
    kept: Mapping[str, str] = audit.results.facts.get("perturbed") or {}
    if not images or not kept:
        return Note(*about, said, link="Perturbation")
    marked = audit.marked
    rows = {
        "Marked images": [embed(marked.folder, marked.files.get(id)) for id in kept],
        "As the model was asked": [embed(audit.folder, path) for path in kept.values()],
    }
    cards = tuple(
        Card(name, strip=tuple(Shown(one, "") for one in row)) for name, row in rows.items()
    )
    lists = (Cards("", cards, wide=True, numbered=False),)
    return Gallery(*about, said, link="Perturbation", lists=lists)
