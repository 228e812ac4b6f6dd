"""Small made-up tables in the form that the figures take."""

import numpy as np
import pandas as pd

MODELS = ["ViViT", "LN"]
MICE = ["S1", "S2"]


def history() -> pd.DataFrame:
    curves = {"ViViT": [0.1, 0.3, 0.4, 0.35], "LN": [0.1, 0.2]}
    rows = [
        {"model": model, "epoch": epoch + 1, "loss": 100.0 / (epoch + 1), "correlation": value}
        for model, values in curves.items()
        for epoch, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def neuron_scores(num_neurons: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    parts = []
    for mouse_id in MICE:
        ceiling = rng.uniform(0.4, 0.8, num_neurons)
        for model, share in zip(MODELS, (0.8, 0.5), strict=True):
            parts.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "mouse_id": mouse_id,
                        "neuron": np.arange(num_neurons),
                        "correlation": share * ceiling,
                        "ceiling": ceiling,
                    }
                )
            )
    return pd.concat(parts)


def summary() -> pd.DataFrame:
    rows = [
        {
            "model": model,
            "mouse_id": mouse_id,
            "tier": tier,
            "shows": "movie",
            "correlation": 0.6 * share,
            "ceiling": 0.6,
            "share": 100 * share,
        }
        for mouse_id in MICE
        for tier in ("live_main", "validation")
        for model, share in zip(MODELS, (0.75, 0.5), strict=True)
    ]
    return pd.DataFrame(rows)


def positions(num_neurons: int = 6) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    parts = []
    for mouse_id in MICE:
        true = rng.uniform(4, 24, (num_neurons, 2))
        parts.append(
            pd.DataFrame(
                {
                    "mouse_id": mouse_id,
                    "neuron": np.arange(num_neurons),
                    "true_x_px": true[:, 0],
                    "true_y_px": true[:, 1],
                    "learned_x_px": true[:, 0] + rng.normal(0, 1, num_neurons),
                    "learned_y_px": true[:, 1] + rng.normal(0, 1, num_neurons),
                }
            )
        )
    return pd.concat(parts)


def traces() -> pd.DataFrame:
    time_s = np.arange(50, 80) / 30
    rate = 2 + np.sin(6 * time_s)
    lines = [
        ("trial", "trial 3", rate + 0.5, np.nan),
        ("trial", "trial 8", rate - 0.5, np.nan),
        ("mean", "recorded", rate, np.nan),
        ("truth", "true rate", rate + 0.1, np.nan),
        ("predicted", "ViViT", 0.9 * rate, 0.5),
        ("predicted", "LN", 0.5 * rate, 0.3),
    ]
    return pd.concat(
        pd.DataFrame(
            {
                "mouse_id": "S1",
                "neuron": neuron,
                "quality": quality,
                "kind": kind,
                "source": source,
                "time_s": time_s,
                "response": (neuron + 1) * values,
                "correlation": correlation,
                "ceiling": 0.6,
            }
        )
        for neuron, quality in enumerate(("well predicted", "median"))
        for kind, source, values, correlation in lines
    )
