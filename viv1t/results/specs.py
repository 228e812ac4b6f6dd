"""What each table of results holds, what makes a row unique, and which script writes it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from viv1t.results.contextual_tables import CONTEXTUAL_TABLES
from viv1t.results.direction_tables import DIRECTION_TABLES
from viv1t.results.feedback_tables import FEEDBACK_TABLES
from viv1t.results.generated_tables import GENERATED_TABLES
from viv1t.results.in_vivo_tables import IN_VIVO_TABLES
from viv1t.results.misc_tables import MISC_TABLES
from viv1t.results.retinotopy_tables import RETINOTOPY_TABLES
from viv1t.results.search_tables import SEARCH_TABLES
from viv1t.results.spec import TableSpec
from viv1t.results.stimulus_score_tables import STIMULUS_SCORE_TABLES
from viv1t.results.stimulus_tables import STIMULUS_TABLES

__all__ = ["TABLES", "TableSpec"]

TABLES: Final[Mapping[str, TableSpec]] = MappingProxyType(
    {
        **CONTEXTUAL_TABLES,
        **DIRECTION_TABLES,
        **FEEDBACK_TABLES,
        **GENERATED_TABLES,
        **IN_VIVO_TABLES,
        **MISC_TABLES,
        **RETINOTOPY_TABLES,
        **SEARCH_TABLES,
        **STIMULUS_SCORE_TABLES,
        **STIMULUS_TABLES,
    }
)
