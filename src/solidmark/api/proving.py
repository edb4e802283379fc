"""Was a set of images used for training?"""

import os
from pathlib import Path
from typing import Any

from solidmark.api.given import configured, handed
from solidmark.api.result import Result

Where = str | os.PathLike[str]


@handed
def provenance(model: Any, images: Any, out: Where, *, held_out: Any, **options: Any) -> Result:
    """Says whether a set of images was used for training, by one test over the set.

    Arguments:
        model: As of `audit`.
        images: The images in question, without marks.
        out: The folder to write.
        held_out: Images of the same kind that were certainly not used.
        options: As of `provenance.Provenance` (signals, limit, draws, times, seed ...) and
            `models.Opening`; `engine` as of `audit`.

    Returns:
        The result.

    Raises:
        NotFound: When the model or the images are not there.
        UnknownName: When there is no such signal or option.
        BadInput: When the images are marked, or do not fit the model.

    References:
        Dubinski et al. (2025), "CDI: Copyrighted Data Identification in Diffusion Models".

    Example:
        import numpy as np

        photos, others = np.random.default_rng(0).random((2, 12, 8, 8, 3))
        used = solidmark.provenance("memorizer", photos, "used", held_out=others)
    """
    from solidmark.measures.provenance import Provenance, ask_provenance, score_provenance

    folder, both = Path(out), {"images": images, "held_out": held_out}
    ask_provenance(configured(Provenance, folder, options, model=model, **both))
    score_provenance(folder)
    return Result(folder)
