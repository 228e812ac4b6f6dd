"""A simulated day is set beside the truth: what is right counts as right, a blind twin as wrong."""

import shutil

import pytest
from scripts import run_script

from viv1t.data.synthetic import load_truth
from viv1t.data.synthetic.truth import save_truth
from viv1t.errors import MissingResultError
from viv1t.in_vivo.days import contextual_tables, open_days
from viv1t.in_vivo.simulate import without_surround
from viv1t.in_vivo.verdict import judge
from viv1t.results.in_vivo_tables import FLIP_SHARES, FLIPS, VERDICT, VERDICT_FLIPS, VERDICT_ORDERS
from viv1t.results.store import spec_of, write_result

pytestmark = pytest.mark.slow
ISO_HIGH = "suppressed by iso surrounds, contrast 1"


def answers(seen, data, folder):
    """Predictions of the population behind `data`, as those of a run `folder`."""
    given = ("--data_dir", data, "--output_dir", folder, "--mouse_ids", "S1", "--verbose", 0)
    given += ("--export_dir", seen.export, "--responder", "truth")
    assert run_script("in_vivo_analysis/predict_session.py", *given) == 0
    return folder


@pytest.fixture(scope="module")
def loop(seen, tmp_path_factory):
    """The truth, and a run that predicts neurons without surrounds: `days`, `truth`, `blind`."""
    folder = tmp_path_factory.mktemp("loop")
    shutil.copytree(seen.data, folder / "data")
    day_1 = folder / "data/synthetic/S1"
    save_truth(without_surround(load_truth(day_1)), day_1)
    days = open_days(seen.data, ["S1"], 2)
    truth = answers(seen, seen.data, folder / "truth")
    blind = answers(seen, folder / "data", folder / "blind")
    tables = contextual_tables(days[0], blind, field_deg=120.0)
    for name in (FLIPS, FLIP_SHARES):
        write_result(blind, name, tables[name], method={})
    return days, truth, blind


@pytest.fixture(scope="module")
def verdict(loop):
    days, truth, blind = loop
    return judge(days, blind, truth, every_neuron=True)


def test_columns_are_those_of_the_tables(verdict):
    for name in ("effects", "orders", "flips"):
        table = {"effects": VERDICT, "orders": VERDICT_ORDERS, "flips": VERDICT_FLIPS}[name]
        assert list(getattr(verdict, name)) == list(spec_of(table).columns)


def test_what_the_day_claims_is_true(verdict):
    effects = verdict.effects.set_index("question")
    assert effects.loc[effects["claimed"], "agrees"].all()
    high = effects.loc[ISO_HIGH]
    assert high["claimed"]
    assert high["recorded"] == pytest.approx(high["true"], abs=0.1)
    assert high["neurons_agree"] >= 0.8
    # Four neurons, no more than chance: no claim about the stimuli of single neurons.
    assert not effects.loc[effects["part"] != "gratings", "claimed"].any()


def test_a_run_without_surrounds_is_wrong(verdict):
    effects = verdict.effects.set_index("question")
    gratings = effects[effects["part"] == "gratings"]
    # A larger grating drives neurons without surrounds more.
    assert gratings.loc[ISO_HIGH, "predicted"] < 0 < gratings.loc[ISO_HIGH, "true"]
    assert not gratings.loc[ISO_HIGH, "run_agrees"]
    assert gratings.loc[ISO_HIGH, "run_neurons_agree"] < 0.5
    flips = verdict.flips.set_index("definition")
    assert flips.loc["predicted", "num_flips"] == 0


def test_the_page_says_it(verdict):
    assert "claims of the session" in verdict.text
    for words in ("## Signs of effects", "cross-validated", ISO_HIGH):
        assert words in verdict.page


def test_without_the_truth(loop, tmp_path):
    days, _, blind = loop
    with pytest.raises(MissingResultError, match=r"--responder truth --output_dir .*nothing"):
        judge(days, blind, tmp_path / "nothing")
