"""When responses to a disc begin, and when the surround begins to change them."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from viv1t.analysis.onset import onset_times
from viv1t.names import SURROUND_KINDS


def surround_onsets(means: ArrayLike, sems: ArrayLike, *, before: int, on: int) -> pd.DataFrame:
    """Onsets in seconds of each neuron, n rows; NaN where there is none.

    Columns: centre_s, iso_s, cross_s, shift_s (25 % of each response's own peak, see
    `onset.onset_times`), suppression_s (the same of centre - iso, what the surround takes away),
    and delay_s = suppression_s - centre_s, by which the surround lags behind the centre.

    Args:
        means: (n, 4, w) mean responses over time, in the order of `names.SURROUND_KINDS`.
        sems: (n, 4, w) their standard errors.
        before: frames before the stimulus.
        on: frames of the stimulus.
    """
    values, errors = np.asarray(means, dtype=float), np.asarray(sems, dtype=float)
    found = onset_times(values, errors, before=before, on=on)
    lost = values[:, 0] - values[:, 1]
    error = np.hypot(errors[:, 0], errors[:, 1])
    suppression = onset_times(lost, error, before=before, on=on)
    table = pd.DataFrame(found, columns=[f"{kind}_s" for kind in SURROUND_KINDS])
    return table.assign(suppression_s=suppression, delay_s=suppression - table["centre_s"])
