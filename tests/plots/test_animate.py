"""Films: what ffmpeg says is in them, and what is drawn."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

import knotflow as kf
from knotflow.cli import main

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run() -> kf.Trajectory:
    x = np.linspace(-1, 1, 6)
    data = kf.Samples(x, kf.targets.square_wave(x))
    net = kf.initial.pytorch(30, np.random.default_rng(2), norm=np.sqrt(30)).with_delta(1.0)
    return kf.evolve(net, data, kf.GradientDescent(1e-3), steps=3000)


def probe(path: Path) -> str:
    """What ffmpeg finds, decoding every frame."""
    command = [get_ffmpeg_exe(), "-hide_banner", "-i", str(path), "-map", "0:v", "-f", "null", "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def pictures(path: Path) -> np.ndarray:
    command = [get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, 720, 1280, 3)


@pytest.fixture(scope="module")
def film(run: kf.Trajectory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kf.animate(run, tmp_path_factory.mktemp("film") / "run.mp4", frames=12, fps=10, title="A run")


def test_browsers_can_play_it(film: Path) -> None:
    told = probe(film)
    assert re.search(r"Video: h264 .*yuv420p.*1280x720.*10 fps", told)
    assert re.search(r"frame= *12 ", told)
    content = film.read_bytes()
    assert content[4:8] == b"ftyp"
    assert content.index(b"moov") < content.index(b"mdat")  # it plays before it has arrived


def test_it_moves_in_every_panel_and_starts_with_the_start(film: Path) -> None:
    shown = pictures(film).astype(int)
    change = np.abs(shown[[5, -1]] - shown[0]).max(axis=(0, 3)) > 80
    function, paths, plane, header = (
        change[100:380, 80:660],
        change[420:600, 80:660],
        change[100:600, 760:],
        change[:60],
    )
    for panel in (function, paths, plane, header):
        assert panel.sum() > 30
    assert np.abs(shown[1:] - shown[:-1]).max() > 80
    assert (np.abs(shown[:, 640:] - shown[:1, 640:]).max(axis=3) > 90).sum() == 0  # the legend stands still


def test_progress_counts_the_frames(run: kf.Trajectory, tmp_path: Path) -> None:
    told = []
    kf.animate(run, tmp_path / "run.mp4", frames=3, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [path.name for path in tmp_path.iterdir()] == ["run.mp4"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "run.avi"}, r"path is .*run\.avi: it must end in \.mp4"),
        ({"frames": 1}, "frames is 1: it must be a whole number of at least 2"),
        ({"frames": 2.5}, "frames is 2.5: it must be a whole number of at least 2"),
        ({"fps": 0}, "fps is 0: it must be a whole number from 1 to 120"),
    ],
)
def test_bad_arguments_are_refused(run: kf.Trajectory, tmp_path: Path, options: dict, message: str) -> None:
    path = tmp_path / options.pop("path", "run.mp4")
    with pytest.raises(kf.InputError, match=message):
        kf.animate(run, path, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_ffmpeg_is_told_and_leaves_nothing(
    run: kf.Trajectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", lambda: "/bin/false")
    with pytest.raises(kf.KnotflowError, match="ffmpeg"):
        kf.animate(run, tmp_path / "run.mp4", frames=2)
    assert list(tmp_path.iterdir()) == []


def test_the_command_makes_a_film_of_a_saved_run(
    run: kf.Trajectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = run.save(tmp_path / "mine.npz")
    target = tmp_path / "mine.mp4"
    assert main(["video", str(saved), "--out", str(target), "--frames", "4"]) == 0
    done = capsys.readouterr()
    assert f"Video: {target}" in done.out
    assert re.search(r"frames: 4 of 4, [\d.]+ s", done.err)
    assert re.search(r"frame= *4 ", probe(target))
