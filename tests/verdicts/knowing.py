"""What a model knows of marked images, by the mean of each gain."""

from solidmark.scores.knowing import VIEWS, Drawn, Evidence, Knowing, judge_knowing

DRAWN = Drawn(2, spread=0.2, turned=0.21, marked=0.001, unmarked=0.1, alike=0.0, alike_marked=0.5)


def knowing(**means: float) -> Knowing:
    values = {view: [means.get(view, 0.0) + 0.01 * (-1) ** i for i in range(32)] for view in VIEWS}
    pictures = ("pictures/knowing/0.png", "pictures/knowing/1.png")
    kept = Evidence(32, values, DRAWN, (0.1,), (1.0,), 680.0, pictures, ("a", "b"))
    return judge_knowing(kept)


KNOWN = knowing(frames=1.0, pictures=0.7, marked=0.8, mirrored=-0.5)
