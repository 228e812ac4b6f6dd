"""The memory that a large recording takes, measured in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sessions import write_mice_yaml, write_session

NEURONS, TRIALS, FRAMES = 8000, 40, 300
MEASURE = """
import json, resource, sys, time
from pathlib import Path
from viv1t.data.mice import choose_mice
from viv1t.data.recording import Recording
from viv1t.data.statistics import load_statistics

start = time.perf_counter()
statistics = load_statistics(Recording(choose_mice(Path(sys.argv[1]), None)[0]))
print(json.dumps({
    "seconds": time.perf_counter() - start,
    "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "median": float(statistics.response.median[4321]),
}))
"""


@pytest.mark.slow
def test_statistics_of_8000_neurons_take_less_than_a_gigabyte(tmp_path: Path):
    write_session(
        tmp_path / "S",
        tiers=("train",) * TRIALS,
        num_neurons=NEURONS,
        num_frames=FRAMES,
        pad_to=FRAMES,
        frame=(36, 64),
    )
    write_mice_yaml(tmp_path, {"S": {"folder": "S", "video_px": [36, 64]}})
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    sys.stdout.write(f"{found}\n")
    assert found["peak_bytes"] < 1e9
    files = [tmp_path / f"S/data/responses/{trial}.npy" for trial in range(TRIALS)]
    row = np.concatenate([np.load(file, mmap_mode="r")[4321] for file in files])
    assert found["median"] == np.median(row.astype(np.float32))
