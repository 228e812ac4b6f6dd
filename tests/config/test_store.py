"""args.yaml: a configuration written and read back is the same configuration."""

import pytest
import yaml

from viv1t.config.flags import convert, from_values
from viv1t.config.schema import DataConfig
from viv1t.config.store import SCHEMA_VERSION, run_from_values, run_to_values
from viv1t.errors import ConfigError
from viv1t.model.cores import CORES
from viv1t.model.readouts import READOUTS
from viv1t.training.cli import parse_run

FLAGS = (
    *("--mouse_ids", "A", "K_day2", "--restore", "runs/earlier", "--limit_data", "7"),
    *("--core_reg_scale", "0.5", "--shifter_size", "9", "--wandb", "g", "--clip_grad", "0.1"),
)


@pytest.mark.parametrize("core", CORES.names())
@pytest.mark.parametrize("readout", READOUTS.names())
@pytest.mark.parametrize("flags", [(), FLAGS])
def test_round_trip_through_yaml(core, readout, flags):
    argv = ["--output_dir", "r", "--core", core, "--readout", readout, *flags]
    config = parse_run(argv).config
    values = run_to_values(config, cores=CORES, readouts=READOUTS)
    assert values["schema"] == SCHEMA_VERSION
    stored = yaml.safe_load(yaml.safe_dump(values))
    assert stored == values
    assert run_from_values(stored, cores=CORES, readouts=READOUTS) == config


@pytest.mark.parametrize("missing", ["core", "readout", "output_dir"])
def test_a_value_without_default_must_be_there(missing):
    values = {"core": "linear", "readout": "linear", "output_dir": "r"}
    del values[missing]
    with pytest.raises(ConfigError, match=f"--{missing} is required"):
        run_from_values(values, cores=CORES, readouts=READOUTS)


def test_defaults_of_the_optimiser_follow_the_core():
    rates = {
        core: run_from_values(
            {"core": core, "readout": "linear", "output_dir": "r"}, cores=CORES, readouts=READOUTS
        ).optim.lr
        for core in ("vivit", "linear", "random")
    }
    assert rates == {"vivit": 0.0073, "linear": 0.005, "random": 0.001}


def test_values_are_converted_to_the_type_of_the_field():
    config = from_values(DataConfig, {"data_dir": "x", "mouse_ids": ["A"], "center_crop": 1})
    assert (config.data_dir.name, config.mouse_ids, config.center_crop) == ("x", ("A",), 1.0)
    assert convert(float | None, None) is None
