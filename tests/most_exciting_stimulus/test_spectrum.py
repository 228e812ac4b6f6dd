"""The natural spectrum: known movies give known spectra, and the script writes them."""

import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from scripts import run_script
from sessions import open_mouse, write_session

from viv1t.errors import ConfigError, DataError, MissingResultError
from viv1t.most_exciting_stimulus import published
from viv1t.most_exciting_stimulus.parameters import Spectrum
from viv1t.most_exciting_stimulus.spectrum import (
    NaturalSpectrum,
    SpectrumConfig,
    divergence,
    log_power,
    natural_spectrum,
    read_spectrum,
    spectrum_path,
    spectrum_tables,
    write_spectrum,
)

SCRIPT = "most_exciting_stimulus/estimate_natural_stimuli_spectrum.py"
FRAME = (16, 28)
SHORT = SpectrumConfig(num_frames=10)


@pytest.fixture(scope="module")
def found(random_data: Path) -> NaturalSpectrum:
    return natural_spectrum(recording_in(random_data), SHORT)


def recording_in(data_dir: Path):
    from viv1t.data.mice import choose_mice
    from viv1t.data.recording import Recording

    return Recording(choose_mice(data_dir, ["R1"])[0])


def test_it_is_what_a_plain_loop_over_all_clips_gives(random_data, found):
    recording = recording_in(random_data)
    clips = [
        recording.load_video(trial)[0, start : start + 10]
        for trial in recording.trials("train")
        for start in range(0, recording.length(trial) - 9, 5)
    ]
    power = np.abs(np.fft.fft2(clips, norm="ortho")) ** 2
    of_clips = np.log(power + 1e-8).mean(axis=1).reshape(len(clips), -1)
    np.testing.assert_allclose(found.freq, of_clips.mean(axis=0), rtol=1e-5)
    expected = published.divergence(torch.from_numpy(found.freq), torch.from_numpy(of_clips))
    np.testing.assert_allclose(found.kl_with_dc, expected, atol=1e-5)
    without = divergence(
        *(torch.from_numpy(x)[..., 1:] for x in (found.freq, of_clips)), with_dc=True
    )
    np.testing.assert_allclose(found.kl, without, rtol=1e-4)
    centred = np.array(clips) - np.mean(clips, axis=(1, 2, 3), keepdims=True)
    of_clips = np.abs(np.fft.rfftn(centred, axes=(1, 2, 3), norm="ortho")) ** 2
    np.testing.assert_allclose(found.amplitude[1:], of_clips.mean(axis=0)[1:] ** 0.5, rtol=1e-4)
    assert found.amplitude[0, 0, 0] == pytest.approx(0, abs=1e-3)
    assert found.frame_px == FRAME


def test_noise_has_a_flat_spectrum_and_its_clips_are_near_it(found):
    assert found.freq.argmax() == 0  # the mean luminance
    assert found.freq[1:].std() < 0.2
    assert found.kl.max() < 0.1
    assert (found.kl >= 0).all()
    for amplitude in (found.amplitude, found.amplitude_static):
        inner = amplitude.ravel()[1:]
        assert inner.std() < 0.2 * inner.mean()
    variance = np.sqrt(255**2 / 12)
    assert found.amplitude.ravel()[1:].mean() == pytest.approx(variance, rel=0.05)


def test_log_power_and_divergence_by_hand():
    flat = torch.full((3, 4, 6), 10.0)
    power = log_power(flat)
    assert power.shape == (3, 24)
    assert power[:, 0].exp().tolist() == pytest.approx([2400] * 3)
    np.testing.assert_allclose(power[:, 1:].exp(), 1e-8, rtol=1e-3, atol=1e-9)
    p, q = torch.tensor([5.0, 0.5, 0.5]).log(), torch.tensor([5.0, 1.0, 3.0]).log()
    by_hand = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert divergence(p, q).item() == pytest.approx(by_hand, rel=1e-5)
    assert divergence(p, p + 7).item() == pytest.approx(0, abs=1e-6)
    assert divergence(p, p).item() == 0


def test_stimuli_of_the_spectrum_have_its_amplitudes(found):
    parameters = Spectrum(shape=FRAME, num_frames=10, amplitude=found.amplitude)
    movie = parameters.movie(parameters.start([0]))[0].detach().numpy()
    ratio = np.abs(np.fft.rfftn(movie))[1:] / found.amplitude[1:]
    np.testing.assert_allclose(ratio, ratio.mean(), rtol=1e-2)
    image = Spectrum(shape=FRAME, static=True, amplitude=found.amplitude_static)
    assert image.movie(image.start([0])).shape == (1, 30, *FRAME)


def test_movies_that_are_too_short(tmp_path):
    write_session(tmp_path / "S", num_frames=(70,) * 5 + (8,) + (70,) * 8)
    recording = open_mouse(tmp_path)
    assert len(natural_spectrum(recording, SHORT).kl) == 5 * 13
    with pytest.raises(DataError, match="the longest of 6 training movies has 70 frames"):
        natural_spectrum(recording, SpectrumConfig(num_frames=71))
    with pytest.raises(ConfigError, match="--step must be 1 or more"):
        SpectrumConfig(step=0)


def test_files_are_read_back_and_made_again_only_if_something_changed(random_data, tmp_path):
    recording = recording_in(random_data)
    path = write_spectrum(tmp_path, recording, SHORT)
    made = path.stat().st_mtime_ns
    write_spectrum(tmp_path, recording, SHORT)
    assert path.stat().st_mtime_ns == made
    assert len(read_spectrum(tmp_path, "R1").amplitude) == 10
    write_spectrum(tmp_path, recording, SpectrumConfig(num_frames=12))
    assert len(read_spectrum(tmp_path, "R1").amplitude) == 12
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match="is not readable"):
        read_spectrum(tmp_path, "R1")
    write_spectrum(tmp_path, recording, SHORT)
    assert read_spectrum(tmp_path, "R1").frame_px == FRAME
    with pytest.raises(MissingResultError, match=SCRIPT):
        read_spectrum(tmp_path, "R9")


def test_script_writes_spectra_and_a_figure_with_its_numbers(random_data, tmp_path, caplog):
    flags = ("--data_dir", random_data, "--output_dir", tmp_path, "--num_frames", 10)
    with caplog.at_level(logging.INFO):
        assert run_script(SCRIPT, *flags, "--verbose", 1) == 0
    for mouse_id in ("R1", "R2"):
        assert spectrum_path(tmp_path, mouse_id).is_file()
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    panels = {f"natural_spectrum_{panel}.csv" for panel in ("power", "course", "divergence")}
    assert names == {"natural_spectrum.pdf", "natural_spectrum.png", *panels}
    both = {mouse: read_spectrum(tmp_path, mouse) for mouse in ("R1", "R2")}
    frequencies, clips = spectrum_tables(both)
    assert len(frequencies) == 2 * FRAME[0] * FRAME[1]
    assert len(clips) == sum(len(found.kl) for found in both.values())
    assert frequencies.groupby("mouse")["cycles_per_px"].min().tolist() == [0, 0]
