"""Pages: sections that are data, one template that draws them, and what is drawn in them."""

from solidmark.page.made import is_stale

__all__ = ["is_stale"]
