"""How another process opens a data set: by the very call that opened it here."""

from collections.abc import Callable
from dataclasses import dataclass

from solidmark.data.dataset import Dataset
from solidmark.data.identity import identity_of
from solidmark.runs import require_same


@dataclass(frozen=True)
class Source:
    """A data set as it travels: what opens it, and what is known of it.

    Arguments:
        open: Opens it; it goes through a pickle, so it is a function of a module with its
            arguments, and holds no picture.
        identity: What `identity_of` says of it where the command was given.
    """

    open: Callable[[], Dataset]
    identity: str

    def data(self) -> Dataset:
        """The data set, undecoded.

        Raises:
            SolidmarkError: When it is not there, or is another one.
        """
        found = self.open()
        require_same({"the data": self.identity}, {"the data": identity_of(found)})
        return found
