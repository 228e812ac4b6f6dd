"""What a table of results holds."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """A table that a script writes and others read.

    Attributes:
        columns: name -> what it is, in the order in which they are stored.
        key: columns that together tell rows apart.
        made_by: the script that writes the table, from the root of the repository.
        folder_flag: its flag for the folder in which the table stands.
    """

    columns: Mapping[str, str]
    key: tuple[str, ...]
    made_by: str
    folder_flag: str = "--output_dir"
