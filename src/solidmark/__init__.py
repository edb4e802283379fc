"""Which of its training images has a diffusion model memorized, how strongly, how sure are we?

The command line is `solidmark`; every command is a function of the same name here, which takes live
models and images as well as paths:

    marked = solidmark.mark(pictures, "marked")
    found = solidmark.audit(pipeline, marked, "audit")
    found.verdict, found.named, found.figures, found.rows, found.page
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solidmark.api import (
        Folder,
        Result,
        Rows,
        Watch,
        audit,
        choose,
        compare,
        duplicates,
        fit,
        generate,
        guard,
        index,
        inpaint,
        intent,
        invmm,
        judge,
        mark,
        nearest,
        observe,
        plan,
        provenance,
        release,
        report,
        score,
        signals,
        study,
        train,
    )

__version__ = "0.2.0.dev0"

__all__ = [
    "Folder",
    "Result",
    "Rows",
    "Watch",
    "audit",
    "choose",
    "compare",
    "duplicates",
    "fit",
    "generate",
    "guard",
    "index",
    "inpaint",
    "intent",
    "invmm",
    "judge",
    "mark",
    "nearest",
    "observe",
    "plan",
    "provenance",
    "release",
    "report",
    "score",
    "signals",
    "study",
    "train",
]


def __getattr__(name: str) -> Any:
    """The functions come when they are first used: `import solidmark` itself is quick."""
    if name in __all__:
        from solidmark import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
