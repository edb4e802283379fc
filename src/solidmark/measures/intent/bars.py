"""How often a feature comes, as bars: under its prompt, without each entity, and anyhow."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from solidmark.measures.intent.counting import Share
from solidmark.scores.written import percent

WIDTH, ROW, BAR = 260, 28, 9
LETTERS = 30
"""So many letters of a name stand beside its number."""


@dataclass(frozen=True)
class Bar:
    """A share, drawn.

    Arguments:
        share: How many of them show the feature.
        is_own: Whether they are those of the prompt itself.
    """

    what: str
    share: Share
    is_own: bool = False

    @property
    def said(self) -> str:
        """The share in words."""
        if not self.share.n or self.share.value is None:
            return "not drawn"
        return f"{percent(self.share.value)} ({self.share.count:,} of {self.share.n:,})"


def bars_of(finding: Mapping[str, Any], images: bool) -> Iterator[Bar]:
    """The bars of a finding."""
    yield Bar("this prompt", Share(finding["count"], finding["n"]), is_own=True)
    for place, one in enumerate(finding["without"] or (), 1):
        what = f"without “{one['entity']}”" if images else f"without entity {place}"
        note = ": brings it" if one["bound"] else ": falls" if one["falls"] else ""
        yield Bar(what + note, Share(one["count"] or 0, one["n"] or 0))
    unrelated = Share(finding["unrelated_count"] or 0, finding["unrelated_n"] or 0)
    yield Bar("unrelated prompts", unrelated)


def drawn(bars: Sequence[Bar]) -> Markup:
    """Draws them below one another, each with its 95 % interval."""
    parts: list[str] = []
    for place, bar in enumerate(bars):
        top = ROW * place + 11
        what = bar.what if len(bar.what) <= LETTERS else f"{bar.what[: LETTERS - 1]}…"
        own = ' class="own"' if bar.is_own else ""
        parts += [
            f'<text{own} x="0" y="{top}">{escape(what)}</text>',
            f'<text{own} x="{WIDTH}" y="{top}" text-anchor="end">{escape(bar.said)}</text>',
            f'<rect class="all" y="{top + 4}" width="{WIDTH}" height="{BAR}"/>',
        ]
        if bar.share.n and bar.share.value is not None:
            low, high = ((end or 0.0) * WIDTH for end in bar.share.interval)
            parts += [
                f'<rect{own} y="{top + 4}" width="{bar.share.value * WIDTH:.1f}" height="{BAR}"/>',
                f'<path d="M{low:.1f} {top + 4 + BAR / 2}H{high:.1f}"/>',
            ]
    said = escape("; ".join(f"{bar.what}: {bar.said}" for bar in bars))
    return Markup(
        f'<svg class="shares" role="img" aria-label="{said}" '
        f'viewBox="0 0 {WIDTH} {ROW * len(bars)}"><title>{said}</title>{"".join(parts)}</svg>'
    )
