"""Pages of pictures in groups: copies in a training set, generations that come back."""

from solidmark.report.groups.cliques import write_cliques_report
from solidmark.report.groups.duplicates import write_duplicates_report

__all__ = ["write_cliques_report", "write_duplicates_report"]
