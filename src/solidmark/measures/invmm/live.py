"""The state of all attempts that are at work, in one file, which is whole or not there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from solidmark.measures.invmm.inversion import Attempt, read_attempts, write_attempts
from solidmark.runs import Processes, read_ours, write_ours


@dataclass
class Live:
    """What one process has at work, and for how long it has worked.

    Arguments:
        folder: Where the files of all processes lie.
        attempts: Those that were at work at the last write, ended ones included.
        seconds: Seconds of work so far.
        before: Those of the finished run that is made good.
    """

    folder: Path
    rank: int
    attempts: list[Attempt] = field(default_factory=list)
    seconds: float = 0.0
    before: float = 0.0

    @property
    def spent(self) -> float:
        """The seconds that count for the budget."""
        return self.before + self.seconds

    @classmethod
    def open(cls, folder: Path, processes: Processes, before: float = 0.0) -> "Live":
        """Opens the state of this process, or a new one.

        Where there were more or fewer processes the last time, each sees the attempts of all, and
        goes on with those of its share.

        Raises:
            BadInput: When a file does not hold attempts.
        """
        paths = sorted(folder.glob("live-*.safetensors"))
        same = len(paths) in (0, processes.count)
        own = [_path(folder, processes.rank)]
        attempts = [
            attempt
            for path in (own if same else paths)
            if path.is_file()
            for attempt in read_attempts(path)
        ]
        times = [seconds_in(path) for path in folder.glob("time-*.json")]
        processes.wait()  # Nobody writes before all have read.
        live = cls(folder, processes.rank, attempts, max(times, default=0.0), before)
        if not same:
            live.write(attempts)
            processes.wait()  # Nobody removes before all have written.
            if processes.is_main:
                ours = {_path(folder, rank) for rank in range(processes.count)}
                for path in set(paths) - ours:
                    path.unlink()
        return live

    def write(self, attempts: Sequence[Attempt]) -> None:
        """Writes the state after a round."""
        write_attempts(_path(self.folder, self.rank), attempts)
        write_ours(self.folder / f"time-{self.rank:03d}.json", {"seconds": self.seconds})


def seconds_in(path: Path) -> float:
    """For how long a process has worked, as its file says."""
    return float(read_ours(path, "Remove it.", seconds=(int, float))["seconds"])


def _path(folder: Path, rank: int) -> Path:
    return folder / f"live-{rank:03d}.safetensors"
