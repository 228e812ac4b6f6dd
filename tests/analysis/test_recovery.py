"""What was recovered, beside the truth: known answers, and chance where nothing was found."""

import numpy as np
import pandas as pd
import pytest

from viv1t.analysis.recovery import QUANTITIES, recovered_pairs, recovery_summary
from viv1t.plot.figures.recovery import recovery_figure

NUM = 120
RNG = np.random.default_rng(2)


def truth() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mouse": np.repeat(["S1", "S2"], NUM // 2),
            "neuron": np.tile(np.arange(NUM // 2), 2),
            "rf_x_px": RNG.uniform(20, 40, NUM),
            "rf_y_px": RNG.uniform(10, 25, NUM),
            "direction_deg": RNG.uniform(0, 360, NUM),
            "direction_selectivity": RNG.uniform(0, 1, NUM),
            "w_iso": RNG.uniform(0.2, 0.8, NUM),
            "w_feedback": np.where(RNG.random(NUM) < 0.4, 1.0, 0.0),
            "w_facilitation": np.where(RNG.random(NUM) < 0.3, 2.0, 0.0),
            "latency_frames": RNG.integers(1, 3, NUM),
            "fps": 30.0,
        }
    ).assign(feedback_latency_frames=lambda t: t["latency_frames"] + 3)


TRUTH = truth()


def tables(*, informed: bool) -> dict[str, pd.DataFrame]:
    """Tables of analyses that found the truth, or (not informed) that of another neuron."""
    t = TRUTH if informed else TRUTH.sample(frac=1, random_state=0).reset_index(drop=True)
    own = TRUTH[["mouse", "neuron"]]
    return {
        "aRF": own.assign(
            x_px=t["rf_x_px"] + 0.5, y_px=t["rf_y_px"] - 0.25, bad_fit=np.arange(NUM) < 7
        ),
        "selectivity": own.assign(
            preferred_direction_deg=(t["direction_deg"] + 10) % 360,
            preferred_orientation_deg=(t["direction_deg"] - 4) % 180,
            dsi=t["direction_selectivity"] ** 2,
        ),
        "size_tuning": own.assign(suppression_index=t["w_iso"], iti=t["w_feedback"] - 0.5),
        **contextual(t),
        "response_onset": own.assign(
            delay_s=(t["w_feedback"] > 0) * 0.11, isolated=np.arange(NUM) % 2 == 0
        ),
    }


def contextual(t: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Discs of two sizes and contrasts; only the large one at full contrast tells the truth."""
    own = TRUTH[["mouse", "neuron"]]
    shown = [
        own.assign(
            contrast=contrast,
            size_deg=size,
            disc_ratio=0.1 * size,
            cmi=-t["w_iso"] if (size, contrast) == (30.0, 1.0) else 0.0,
        )
        for size in (20.0, 30.0, 40.0)
        for contrast in (0.05, 1.0)
    ]
    flips = [
        own.assign(size_deg=size, interaction=t["w_facilitation"] * (size == 30.0))
        for size in (20.0, 30.0, 40.0)
    ]
    return {"contextual_modulation": pd.concat(shown), "contrast_flips": pd.concat(flips)}


def values(*, informed: bool) -> dict[str, float]:
    summary = recovery_summary(recovered_pairs(tables(informed=informed), TRUTH))
    return dict(zip(summary["quantity"], summary["value"], strict=True))


def test_truth_is_found():
    assert values(informed=True) == pytest.approx(
        {
            "Receptive field, x": 0.5,
            "Receptive field, y": 0.25,
            "Preferred orientation": 4.0,
            "Preferred direction": 10.0,
            "Direction selectivity": 1.0,
            "Suppression by size": 1.0,
            "Inverse tuning": 1.0,
            "Contextual modulation": -1.0,
            "Contrast flips": 1.0,
            "Delay of feedback": 10.0,
        }
    )


def test_nothing_is_found_where_neurons_were_exchanged():
    found = values(informed=False)
    assert found["Preferred direction"] == pytest.approx(90, abs=25)
    assert found["Preferred orientation"] == pytest.approx(45, abs=12)
    assert abs(found["Direction selectivity"]) < 0.25
    assert abs(found["Suppression by size"]) < 0.3
    assert found["Inverse tuning"] == pytest.approx(0.5, abs=0.12)
    assert found["Contrast flips"] == pytest.approx(0.5, abs=0.12)
    assert found["Delay of feedback"] < -50
    summary = recovery_summary(recovered_pairs(tables(informed=False), TRUTH))
    assert (summary["p"].dropna() > 0.01).all()


def test_bad_fits_undefined_values_and_other_neurons_are_left_out():
    found = tables(informed=True)
    found["selectivity"].loc[:4, "dsi"] = np.nan
    found["size_tuning"]["iti"] = np.inf
    del found["contextual_modulation"]
    pairs = recovered_pairs(found, TRUTH)
    counts = pairs["quantity"].value_counts()
    assert counts["Receptive field, x"] == NUM - 7
    assert counts["Direction selectivity"] == NUM - 5
    assert counts["Preferred direction"] == (TRUTH["direction_selectivity"] > 0.4).sum()
    assert counts["Suppression by size"] == (TRUTH["w_feedback"] == 0).sum()
    assert "Inverse tuning" not in counts
    with_feedback = TRUTH["w_feedback"].gt(0) & (np.arange(NUM) % 2 == 0)
    assert counts["Delay of feedback"] == with_feedback.sum()
    assert "Contextual modulation" not in counts


def test_angles_stand_beside_the_truth():
    pairs = recovered_pairs(tables(informed=True), TRUTH).query("quantity.str.contains('Prefer')")
    assert (pairs["recovered"] - pairs["true"]).abs().max() < 10.1


def test_no_tables_no_pairs():
    pairs = recovered_pairs({}, TRUTH)
    assert len(pairs) == len(recovery_summary(pairs)) == 0


def test_one_group_alone_gives_no_area():
    found = {"size_tuning": tables(informed=True)["size_tuning"]}
    pairs = recovered_pairs(found, TRUTH[TRUTH["w_feedback"] > 0])
    summary = recovery_summary(pairs).set_index("quantity")
    assert np.isnan(summary.loc["Inverse tuning", "value"])


def test_the_figure_shows_each_quantity():
    pairs = recovered_pairs(tables(informed=True), TRUTH)
    plate = recovery_figure(pairs, recovery_summary(pairs))
    titles = [axes.get_title("left") for axes in plate.figure.axes if axes.axison]
    assert titles == [q.name for q in QUANTITIES if q.name in set(pairs["quantity"])]
    first = plate.figure.axes[0]
    dots = next(line for line in first.get_lines() if line.get_label() == "_neurons")
    shown = pairs[pairs["quantity"] == titles[0]]
    np.testing.assert_array_equal(dots.get_xydata(), shown[["true", "recovered"]])
    assert "median error 0.50 px" in first.texts[0].get_text()
