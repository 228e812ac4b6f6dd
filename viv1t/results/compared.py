"""One table of several sources, for figures that compare them."""

from collections.abc import Sequence

import pandas as pd

from viv1t.names import MouseId
from viv1t.results.manifest import Source
from viv1t.results.store import read_result

LABEL = "label"


def read_compared(
    sources: Sequence[Source], name: str, *, mouse_ids: Sequence[MouseId] | None = None
) -> pd.DataFrame:
    """The table `name` of all sources, one below the other, with a first column label.

    Args:
        sources: what is compared.
        name: of a table in `specs.TABLES`.
        mouse_ids: mice whose rows are wanted; None: all.

    Raises:
        MissingResultError: a source lacks the table or a mouse; the message names the command.
    """
    parts = []
    for source in sources:
        part = read_result(source.path, name, mouse_ids=mouse_ids)
        part.insert(0, LABEL, source.label)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
