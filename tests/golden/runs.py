"""The runs that are frozen: real commands, small data, fixed seeds.

They run in one folder, with names relative to it. Models are controls, and a U-Net that was not
trained where a control will not do: another processor trains another network
(docs/decisions/019-rounding.md), so of a training only what it says of itself is frozen.
"""

from dataclasses import dataclass

from .comparing import TOLERANCE

CPU = "--device cpu"


@dataclass(frozen=True)
class Run:
    """Some command lines that belong together.

    Arguments:
        lines: The command lines, one after the other.
        out: The folder that they write, if any.
        after: Runs that must have been made before, beside those whose `out` a line names.
        skip: Columns, keys and files that another processor changes by more than it rounds.
        loose: Says of which lines the numbers are not frozen, for the same reason.
        tolerance: How far the other numbers may move, against their size.
        only: The files that are frozen, where another run holds the others.
        unsaid: Headings of the page whose text another run of the command holds already.
        plant: What is made first that no command makes: see `planting.py`.
    """

    lines: tuple[str, ...]
    out: str | None = None
    after: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    loose: str = ""
    tolerance: float = TOLERANCE
    only: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()
    plant: str = ""


AGAIN = (
    *("How to read the numbers", "Notes on these figures", "Key figures", "All figures"),
    *("Curves", "How close, beside chance", "Which changed copies are recognised"),
    *("Measures", "Signals", "What was compared"),
)
"""Headings of the page that are frozen once for each command."""


def _audit(model: str, marked: str, out: str, options: str = "") -> Run:
    """An audit, and its page with few images on it."""
    line = f"audit {model} {marked} {out} {CPU} {options}".strip()
    lines = (line, f"report {out} --top 3")
    if out == "audit-segments":
        return Run(lines, out)
    return Run(lines, out, skip=("evidence.parquet",), unsaid=AGAIN)


TINY = "--preset digits-demo --block-out-channels 8,16 --norm-num-groups 4 --seed 0"
TINY += f" --max-train-steps 2 --train-batch-size 4 {CPU}"
INPAINT = f"--draws 3 --lowest 2 --steps 4 {CPU}"
INVMM = "--steps 20 --samples 2 --every 10 --rate 0.3 --checked 3 --sampling-steps 6"
INVMM += f" --screen-steps 3 --threshold 0.95 {CPU}"
INTENT = f"--steps 2 --per-prompt 6 --limit 4 {CPU}"
L2 = f"--distance l2 --mode L {CPU}"


def _page(line: str, unsaid: tuple[str, ...] = ()) -> Run:
    """A run whose page is made again with few pictures on it."""
    out = line.split()[2 if line.startswith("cliques") else 3]
    return Run((line, f"report {out} --top 3"), out, unsaid=unsaid)


RUNS: dict[str, Run] = {
    "study-planned": Run(("study all studied --quick --dry-run",)),
    "plan": Run(("plan --images 100 --resolution 32", "plan --images 5 --resolution 8")),
    "mark-border": Run(
        ("mark photos border --pattern border --thickness 2 --held-out 0.25 --mode L --seed 0",),
        "border",
    ),
    "mark-segments": Run(
        (
            "mark digits segments --resolution 8 --thickness 4 --count 16 --limit 80"
            " --held-out 0.25 --seed 1",
        ),
        "segments",
    ),
    "mark-captioned": Run(
        ("mark captioned told --thickness 2 --count 8 --held-out 0.25 --mode L --seed 2",), "told"
    ),
    "mark-few": Run(
        ("mark photos few --thickness 2 --held-out 0.2 --limit 10 --mode L --seed 3",), "few"
    ),
    "mark-buckets": Run(
        (
            "mark shapes buckets --buckets 12,12;12,10;10,12 --thickness 2 --held-out 0.25"
            " --mode L --seed 4",
            "train buckets trained-buckets",
        ),
        "buckets",
    ),
    "mark-hashed": Run(
        (
            "mark patients hashed --resolution 8 --thickness 4 --count 16 --held-out 0.3"
            " --mode L --seed 618033988749894 --hash-ids ids.secret",
        ),
        "hashed",
    ),
    "mark-subjects": Run(
        (
            "mark patients subjects --thickness 4 --count 16 --held-out 0.3 --mode L --seed 6"
            " --group-column group",
        ),
        "subjects",
    ),
    "choose": Run(
        (
            "choose photos --held-out fresh --model unet",
            "choose border --question pixel --budget 2000",
            "choose captioned --question reconstructive --held-out fresh",
        ),
        after=("mark-border",),
    ),
    "mark-planned": Run(("mark photos planned --seed 0 --dry-run",)),
    "train": Run((f"train border trained {TINY}",), "trained"),
    "train-planned": Run((f"train border trained-2 {TINY} --dry-run",)),
    "generate": Run(
        (f"generate gaussian drawn-gaussian --marked border --crop -n 12 --steps 4 {CPU}",),
        "drawn-gaussian",
    ),
    "generate-known": Run(
        (f"generate memorizer drawn-known --marked told --crop -n 12 --steps 4 {CPU}",),
        "drawn-known",
    ),
    "audit-segments": _audit("memorizer", "segments", "audit-segments"),
    "audit-border": _audit("memorizer", "border", "audit-border"),
    "audit-gaussian": _audit("gaussian", "segments", "audit-gaussian"),
    "audit-subjects": _audit("average", "subjects", "audit-subjects"),
    "audit-hashed": _audit("memorizer", "hashed", "audit-hashed"),
    "audit-few": _audit("memorizer", "few", "audit-few", "--no-ceiling"),
    "audit-average": _audit("average", "border", "audit-average"),
    "audit-captions": _audit("average-per-caption", "told", "audit-captions"),
    "audit-buckets": _audit("average", "buckets", "audit-buckets"),
    "audit-network": _audit("unet", "border", "audit-network"),
    "release": Run(("release unet released --marked border",)),
    "audit-epochs": Run(
        (f"audit unet border watched --epochs epochs {CPU}", "score watched"),
        "watched",
        skip=("evidence.parquet", "scores.parquet"),
        unsaid=AGAIN,
        plant="epochs",
    ),
    "observe": Run(
        (
            "observe memorizer segments observed --reader linear --reader gradient --no-ceiling"
            f" {CPU}",
        ),
        "observed",
    ),
    "score": Run(
        ("score observed --delta 0.1 --statistic fisher --correction by",), "observed", ("observe",)
    ),
    "report": Run(
        ("report observed --no-images --top 3",),
        "observed",
        ("score",),
        only=("report.html",),
        unsaid=AGAIN,
    ),
    "score-leaked": Run(
        ("score leaked", "report leaked --top 1"),
        "leaked",
        ("observe",),
        skip=("evidence.parquet",),
        unsaid=AGAIN,
        plant="leaked",
    ),
    "score-failed": Run(
        ("score unread", "report unread --top 1"),
        "unread",
        ("observe",),
        unsaid=AGAIN,
        plant="unread",
    ),
    "compare": Run(
        (
            "compare audit-segments audit-gaussian --out changed",
            "compare audit-segments audit-border",
            "report changed --top 3",
        ),
        "changed",
    ),
    "signals": _page(f"signals memorizer border signals --signal loss --times 2 {CPU}"),
    "signals-captions": _page(
        f"signals memorizer told signals-told --times 2 --draws 2 {CPU}", AGAIN
    ),
    "provenance": _page(
        "provenance memorizer photos provenance --held-out fresh --signal loss --signal sima"
        f" --times 2 --limit 40 --mode L {CPU}"
    ),
    "provenance-average": _page(
        "provenance average photos unused --held-out fresh --signal loss --signal sima"
        f" --times 2 --limit 40 --mode L {CPU}",
        AGAIN,
    ),
    "inpaint": _page(f"inpaint memorizer border inpainted {INPAINT}"),
    "inpaint-gaussian": _page(f"inpaint gaussian border unpainted {INPAINT}", AGAIN),
    "invmm": Run(
        (f"invmm memorizer few inverted {INVMM}", "report inverted --top 3"),
        "inverted",
        skip=("paths.parquet",),
        loose="spent|Not reproduced|KL at the end|score: 1[.]",
        tolerance=1e-2,
    ),
    "intent": _page(f"intent memorizer told intent {INTENT}"),
    "intent-gaussian": _page(f"intent gaussian told unintended {INTENT}", AGAIN),
    "nearest-copies": _page(f"nearest copied photos near --held-out fresh {L2}"),
    "judge": Run(
        ("judge near said.csv", "judge near said.csv", "report near --top 3"),
        "near",
        ("nearest-copies",),
        only=("judgements.parquet", "judged.csv", "results.json", "report.html"),
        unsaid=AGAIN,
    ),
    "nearest-two": _page(
        f"nearest photos border nearest --distance patched-l2 --no-per-image {L2}", AGAIN
    ),
    "nearest-gaussian": _page(f"nearest drawn-gaussian border far {L2}", AGAIN),
    "nearest-alone": _page(f"nearest drawn-gaussian photos alone {L2}", AGAIN),
    "nearest-other": _page(f"nearest photos photos other --held-out noise {L2}", AGAIN),
    "duplicates": Run((f"duplicates copied duplicates --mode L {CPU}",), "duplicates"),
    "cliques": _page(f"cliques prompted cliques --calibrate --fpr 0.001 {L2}"),
    "cliques-none": _page(f"cliques noise-prompted no-cliques --calibrate --fpr 0.001 {L2}", AGAIN),
    "fit-planned": Run(
        ("fit photos fitted --device cpu --dry-run", "nearest copied photos none --distance own")
    ),
    "index": Run((f"index photos index --held-out fresh --fpr 0.1 {L2}",), "index"),
    "guard": Run(
        (
            f"guard index noise --threshold l2=0.01 {CPU}",
            f"guard index photos/digit-03.png broken/0.png fresh/digit-01.png {CPU}",
        )
    ),
    "inspect": Run(
        (
            "inspect photos",
            "inspect captioned",
            "inspect border",
            "inspect unet",
            "inspect audit-segments",
        )
    ),
    "demo": Run(("demo --dry-run",)),
    "refused": Run(
        (
            "marc photos",
            "mark photos bad --thicknes 2",
            "mark broken bad --seed 0",
            "audit memorizer photos bad",
            "provenance memorizer border bad --held-out fresh",
            f"audit unet-nan border bad {CPU}",
            "score border",
            "report nothing",
            "inspect nowhere",
        )
    ),
    "audit-unmarked": Run(
        (
            f"audit memorizer photos unmarked --held-out fresh --mode L -n 32 --limit 16 {CPU}"
            " --measure signals --measure nearest --measure inpaint",
            "report unmarked --top 2",
        ),
        "unmarked",
        unsaid=AGAIN,
    ),
    "audit-unmarked-planned": Run(
        (
            f"audit unet photos planned-2 --held-out fresh --budget 90000 {CPU} --dry-run",
            f"audit memorizer photos planned-2 --held-out fresh --reader blend {CPU}",
            f"audit memorizer photos planned-2 {CPU}",
        )
    ),
}
"""The runs by their names, each after those whose folders it reads."""


def needed(name: str) -> list[str]:
    """The runs whose folders a run reads: those that make what its lines name.

    Arguments:
        name: Its name.
    """
    words = {word for line in RUNS[name].lines for word in line.split()[1:]}
    makers: dict[str, str] = {}
    for other, run in RUNS.items():
        if run.out and run.out != RUNS[name].out:
            makers.setdefault(run.out, other)
    return [*RUNS[name].after, *(makers[word] for word in sorted(words) if word in makers)]
