"""The benchmarks run at a tiny size, and both paths agree there."""

import json
import math
from pathlib import Path

import pytest
import torch
from scripts import run_script

from benchmarks import scaling, table
from benchmarks.__main__ import BENCHMARKS
from benchmarks.bench import QUICK, Bench, build_model
from benchmarks.measure import FlopCount, Meter, Run, available_bytes
from benchmarks.table import Goal, Row
from viv1t.model.kernels import attention as compiled
from viv1t.model.layers.linear import has_one_dnn, product

CPU = torch.device("cpu")
COMMAND = "benchmarks/__main__.py"


@pytest.fixture(scope="module", autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(QUICK, CPU, threads=1, output_dir=tmp_path_factory.mktemp("benchmarks"))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_paths_agree_in_every_row(bench: Bench, name: str):
    rows = list(BENCHMARKS[name](bench))
    assert len({row.what for row in rows}) == len(rows) > 0
    for row in rows:
        assert row.benchmark == name
        assert row.fast_s > 0
        if row.plain_s is None:
            assert (row.ratio, row.error) == (None, None)
            continue
        assert row.ratio == row.plain_s / row.fast_s > 0
        assert 0 <= row.error_of_tolerance <= 1
        if name != "loader":
            assert row.plain_gflop >= row.fast_gflop > 0
        if available_bytes() is not None:
            assert min(row.plain_mb, row.fast_mb) >= 0
        assert table.line(row, peak=1e11).splitlines()[0].count("|") == len(table.WIDTHS) + 1


def test_both_twins_have_the_same_weights(bench: Bench):
    plain, fast = (twin.model for twin in (bench.plain, bench.fast))
    assert [twin.config.core.fast for twin in (plain, fast)] == [0, 1]
    assert all(
        torch.equal(value, fast.state_dict()[name]) for name, value in plain.state_dict().items()
    )


def test_plain_trials_are_computed_once(tmp_path: Path):
    bench = Bench(QUICK, CPU, threads=1, output_dir=tmp_path)
    movie = bench.noise(0)
    whole = bench.plain_trial(movie)
    assert torch.equal(bench.plain_trial(movie), whole)
    assert len(bench.whole_plain.seconds) == 1
    assert torch.equal(bench.plain_part(movie, 20), whole[:, :20])
    other = bench.grating(1)
    torch.testing.assert_close(
        bench.plain_part(other, 20), bench.plain_trial(other)[:, :20], atol=2e-5, rtol=2e-4
    )
    assert len(bench.whole_plain.seconds) == 2


def test_command_prints_and_writes_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run_script(COMMAND, "tokenizer", "--quick", "--output_dir", tmp_path) == 0
    assert "tokenizer, 12 frames: forward" in capsys.readouterr().out
    found = json.loads((tmp_path / "tokenizer.json").read_text())
    assert found["machine"]["peak_gflops"]["torch.mm"] > 0
    assert [row["benchmark"] for row in found["rows"]] == ["tokenizer"] * 3
    assert found["rows"][0]["ratio"] > 0


def test_unknown_benchmark_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run_script(COMMAND, "forwrd", "--output_dir", tmp_path) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "forward" in said


def test_scaling_measures_both_paths_and_draws(tmp_path: Path, bench: Bench):
    costs = list(scaling.costs(scaling.TINY, CPU, tmp_path))
    tables = [scaling.measure(cost, bench.meter) for cost in costs]
    for cost, found in zip(costs, tables, strict=True):
        assert list(found["value"][found["path"] == "fast"]) == list(cost.values)
        assert list(found["value"][found["path"] == "plain"]) == list(cost.plain_values)
        assert (found["seconds"] > 0).all()
    drawn = scaling.draw(scaling.pd.concat(tables, ignore_index=True), tmp_path)
    assert drawn.read_bytes()[:4] == b"\x89PNG"


def test_operations_are_counted():
    a, b = torch.randn(3, 4), torch.randn(4, 5)
    query = torch.randn(2, 3, 6, 8)
    with FlopCount() as count:
        a @ b
        if has_one_dnn():
            product(a, b.t().contiguous())
            product(a, b.t().contiguous(), plus=torch.zeros(3, 5))
        torch.nn.functional.scaled_dot_product_attention(query, query, query)
    num_products = 3 if has_one_dnn() else 1
    assert count.total == num_products * 2 * 3 * 4 * 5 + 2 * 2 * 2 * 3 * 6 * 6 * 8


def test_operations_of_both_paths_are_those_of_the_model():
    depth, emb, heads, head, hidden = 2, 24, 2, 8, 32
    inner = heads * head
    for is_fast in (False, True):
        vivit = build_model(QUICK, is_fast=is_fast).core.get_submodule("vivit").eval()
        tokens = torch.randn(1, 5, 40, emb)
        with torch.no_grad(), FlopCount() as count:
            vivit(tokens)
        linear = 2 * emb * (3 * inner + hidden) + 2 * emb * (inner + hidden)
        spatial = 5 * 43 * (linear + 4 * 43 * inner)
        length = 5 if is_fast else 8  # the plain path keeps the registers
        pairs = 5 * 6 / 2 if is_fast and compiled.is_built() else length**2
        temporal = 40 * (length * linear + 4 * pairs * inner)
        assert count.total == depth * (spatial + temporal)


@pytest.mark.skipif(available_bytes() is None, reason="this system does not tell")
def test_peak_memory_is_that_of_the_call():
    meter = Meter(CPU, threads=1)

    def compute() -> float:
        large = torch.ones(10_000_000)  # 40 MB
        return float((large + 1)[0])

    run = meter.call(compute, is_watched=True, is_counted=False)
    assert run.extra_bytes is None or 75e6 < run.extra_bytes < 120e6


def test_functions_take_turns():
    calls: list[str] = []
    runs = Meter(CPU, threads=1).interleaved(
        (lambda: calls.append("a") or len(calls), 2), (lambda: calls.append("b"), 3)
    )
    assert calls == ["a", "b", "a", "b", "b"]
    assert [len(run.seconds) for run in runs] == [2, 3]
    assert runs[0].result == 1


def test_typical_time_leaves_out_a_first_call():
    assert Run(None, [9.0, 1.0, 3.0, 2.0]).typical_s == 2.0
    assert Run(None, [4.0, 2.0]).typical_s == 3.0


def test_errors_are_shares_of_the_tolerance():
    found = table.error_of(torch.tensor([1.0, 0.1]), torch.tensor([1.0, 0.0]))
    assert found.largest == pytest.approx(0.1)
    assert found.of_tolerance == pytest.approx(0.1 / 2e-5)
    expected = {"a": torch.tensor([3.0, 4.0]), "b": torch.zeros(2)}
    relative = table.error_of_gradients(
        {"a": torch.tensor([3.0, 4.5]), "b": torch.ones(2)}, expected
    )
    assert relative.largest == pytest.approx(0.1)
    assert table.error_of_gradients({}, expected).of_tolerance == math.inf
    assert table.worst([found, relative]) is found


@pytest.mark.parametrize(
    ("goal", "value", "verdict"),
    [
        (Goal(3, 5.5), 6.0, "3/5.5x aim"),
        (Goal(3, 5.5), 3.0, "3/5.5x must"),
        (Goal(3, 5.5), 2.0, "3/5.5x below"),
        (Goal(500, 250, is_mb=True), 300.0, "500/250 MB must"),
        (Goal(500, 250, is_mb=True), 501.0, "500/250 MB below"),
        (Goal(500, 250, is_mb=True), None, "500/250 MB"),
    ],
)
def test_goals_say_what_was_reached(goal: Goal, value: float | None, verdict: str):
    assert goal.verdict(value) == verdict


def test_row_without_plain_path_has_no_ratio():
    row = Row(benchmark="train", what="long", plain_s=None, fast_s=None, note="not run")
    assert row.ratio is None
    assert table.line(row, peak=1e11).splitlines()[1] == "|   not run"
