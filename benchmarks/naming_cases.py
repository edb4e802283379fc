"""The networks of `naming.py`: what each is trained on, how it is marked, for how long."""

from dataclasses import dataclass
from pathlib import Path

from solidmark.data import open_data
from solidmark.marks import Border, Marking, Pattern, Segments, mark_dataset
from solidmark.training import preset, train

SIDE, THICKNESS = 12, 2


@dataclass(frozen=True)
class Case:
    """A network.

    Arguments:
        name: Its folder.
        data: The images.
        trained: How many it is trained on; as many are held out.
        segments: Greys of a frame; 1 = a solid border.
        epochs: After which its weights are kept; the last is the length of the training.
        random_flip: Whether picture and frame are mirrored together, half of the time.
        mirrored: Whether the left half of the frame mirrors the right one.
        seed: Of the split, the keys, and the training.
    """

    name: str
    data: str
    trained: int
    segments: int
    epochs: tuple[int, ...]
    random_flip: bool = False
    mirrored: bool = False
    seed: int = 0

    @property
    def pattern(self) -> Pattern:
        if self.segments == 1:
            return Border(THICKNESS)
        return Segments(THICKNESS, self.segments, self.mirrored)

    def marked(self, out: Path) -> Path:
        return out / "marked" / self.name

    def network(self, out: Path, epoch: int) -> Path:
        return out / "model" / self.name / "epochs" / f"epoch-{epoch:04d}"

    def make(self, out: Path) -> None:
        """Marks and trains; the same call resumes."""
        data = open_data(self.data, resolution=SIDE, limit=2 * self.trained)
        config = {"data": self.data, "limit": 2 * self.trained}
        mark_dataset(
            data, self.marked(out), Marking(self.pattern, seed=self.seed, held_out=0.5), config
        )
        recipe = preset(
            "digits-demo",
            num_train_epochs=self.epochs[-1],
            checkpoint_at=self.epochs,
            random_flip=self.random_flip,
            seed=self.seed,
        )
        train(self.marked(out), out / "model" / self.name, recipe, device="cpu")


EPOCHS = (25, 50, 100, 200, 300, 400)
CASES = (
    Case("digits-1024", "digits", 1024, 16, (50, 100, 200, 300, 400, 600)),
    *(Case(f"digits-{count}", "digits", 256, count, EPOCHS) for count in (16, 1, 8, 32, 4)),
    *(Case(f"land-{count}", "land", 256, count, EPOCHS) for count in (16, 1)),
    Case("flips", "digits", 256, 16, EPOCHS, random_flip=True),
    Case("flips-mirrored", "digits", 256, 16, EPOCHS, random_flip=True, mirrored=True),
    Case("digits-long", "digits", 256, 16, (200, 400, 600, 800)),
    Case("digits-64", "digits", 64, 16, (100, 200, 300)),
)
"""The longest first; every case takes about as long as its images times its epochs."""
