"""`import viv1t` costs next to nothing and brings what its page promises."""

import subprocess
import sys

import pytest
from conftest import ROOT

import viv1t

CODE = """
import sys
import viv1t
heavy = {"torch", "numpy", "matplotlib", "wandb", "pandas", "h5py"} & set(sys.modules)
assert not heavy, heavy
assert len(sys.modules) < 150, len(sys.modules)
"""


def test_import_is_light():
    subprocess.run([sys.executable, "-c", CODE], check=True, cwd=ROOT)


def test_public_names_are_found_on_first_use():
    assert set(viv1t.__all__) == {"DigitalTwin", "__version__", "load"}
    assert callable(viv1t.load)
    assert isinstance(viv1t.DigitalTwin, type)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = viv1t.nothing
