"""The evaluation that ends a training."""

import logging
from collections.abc import Mapping

import torch

from viv1t.data.loaders import Loaders
from viv1t.model.model import Model
from viv1t.names import TEST_TIERS
from viv1t.results.run import RunDir
from viv1t.results.tables import AVERAGE, MetricScores, scores_table, write_table
from viv1t.training.evaluate import evaluate
from viv1t.training.restore import load_best
from viv1t.utils.files import write_yaml

logger = logging.getLogger(__name__)

# What trackers call the average of each metric, after the name of the tier.
TRACKED = (
    ("correlation", "corr"),
    ("single_trial_correlation", "trial_corr"),
    ("normalized_correlation", "norm_corr"),
)


def evaluate_best(
    model: Model, loaders: Loaders, run: RunDir, *, device: torch.device
) -> dict[str, MetricScores]:
    """Scores of the best weights on validation and every test tier there is; written to `run`.

    `model` holds the best weights afterwards. evaluation.yaml comes last: where it stands, the
    evaluation is whole.
    """
    load_best(model, run)
    scores = evaluate(model, loaders, ("validation", *TEST_TIERS), device)
    write_table(run.evaluation_parquet, scores_table(scores))
    write_yaml(run.evaluation_yaml, scores)
    for tier, metrics in scores.items():
        values = metrics["correlation"]
        of_mice = "  ".join(f"{m} {v:.4f}" for m, v in values.items() if m != AVERAGE)
        logger.info("%-12s correlation %.4f  (%s)", tier, values[AVERAGE], of_mice)
    return scores


def tracked_scores(scores: Mapping[str, MetricScores]) -> dict[str, float]:
    """The averages of `scores` as trackers name them; the best correlation is validation's."""
    found = {
        f"{tier}_{short}": metrics[metric][AVERAGE]
        for tier, metrics in scores.items()
        for metric, short in TRACKED
        if tier != "validation"
    }
    return {"best_corr": scores["validation"]["correlation"][AVERAGE], **found}
