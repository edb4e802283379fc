"""The ways to read keys, on the same networks: what each detects, names and costs, by epochs."""

from collections.abc import Iterator
from dataclasses import replace

from solidmark.runs import Figure
from solidmark.studies.readouts import detected, named, rank_z, reading, within
from solidmark.studies.study import Arm, Made, Readout, Setting, Study
from solidmark.studies.training_curve import network

GREYS = {"segments": "16 greys", "border": "one grey"}
"""The frames by the names of the patterns."""


def arms(setting: Setting, seed: int) -> Iterator[Arm]:
    """Every reader on every network: frames of many greys first, then of one."""
    epochs = setting.size["epochs"]
    for pattern, greys in GREYS.items():
        # Segments are what `mark` takes, so that other studies have the same networks.
        marked = setting.mark(seed, **({} if pattern == "segments" else {"pattern": pattern}))
        model = network(setting, marked, seed, epochs)
        # The longest training comes first, where there is most to be told apart. A frame of one
        # grey names nobody at any time: it is asked of that network alone.
        longest_first = epochs[::-1]
        for epoch in longest_first if pattern == "segments" else longest_first[:1]:
            asked = model.at(f"epochs/epoch-{epoch:04d}")
            for name, reader in readers(pattern, setting.size["steps"]).items():
                audit = setting.audit(asked, marked, seed, readers=(reader,))
                yield Arm(f"{name}, {greys}, {epoch} epochs", {"audit": audit})


def readers(pattern: str, steps: int) -> dict[str, object]:
    """The readers that are asked about a frame, by name.

    Arguments:
        pattern: The frame's.
        steps: Sampling steps of outpainting.
    """
    from solidmark.readers import Blend, Energy, Gradient, Linear, Outpaint, Probe

    common = {"Probe": Probe(), "Outpaint": Outpaint(steps=steps)}
    if pattern == "segments":
        own = {"Blend": Blend(), "Gradient": Gradient(), "Linear": Linear()}
        # Sixteen greys are asked one by one, so the time is given and fewer candidates are tried.
        return {**own, "Energy, K = 5": Energy(5, t=0.1), **common}
    repaint = Outpaint(steps=steps, jump_count=5)
    return {"Energy, K = 9": Energy(), **common, "Outpaint with RePaint": repaint}


def calls() -> Readout:
    """What a reader costs."""
    asked = reading("audit", statistic="permutation_z", split="trained")

    def read(made: Made) -> Figure | None:
        one = asked(made)
        if one is None:
            return None
        spent = one.network_calls_per_image
        plain = replace(one, value=spent, chance=None, ci_low=None, ci_high=None, p_value=None)
        return replace(plain, direction=None)

    about = "network calls an image; one with its gradient counts as 2.3"
    return Readout("Network calls", "calls", None, read, about)


STUDY = Study(
    "readers",
    arms,
    (
        detected(rate=0.01),
        named(),
        rank_z(),
        within(0.05),
        calls(),
        detected(rate=0.01, split="held_out"),
    ),
    full=Setting(
        images=512,
        epochs=None,
        size={"epochs": (25, 50, 100, 200, 400), "steps": 250},
        seeds=(0, 1, 2),
    ),
    quick=Setting(
        images=64, epochs=None, seeds=(0, 1, 2, 3, 4), size={"epochs": (50, 150), "steps": 50}
    ),
    said=(
        "All readers of a frame are asked about the same images by the same networks. One grey "
        "can be guessed: its p-values hardly fall under .01, so look at the rank test there.",
    ),
)
