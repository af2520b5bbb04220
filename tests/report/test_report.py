"""The page is whole, stands alone, and says what the fits say."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from jinja2 import UndefinedError
from PIL import Image

import knotflow as kf
from knotflow.compare import NUMBERS
from knotflow.plots import style
from knotflow.report import html, page, words

pytestmark = pytest.mark.slow

DATA = kf.Samples([0.0, 1.0, 1.0, 2.5, 4.0, 9.0], [1.0, 2.0, 3.0, 0.0, -1.0, 4.0], x_name="time", y_name="speed")


class Outline(HTMLParser):
    """Sections, table rows, links, images and text of a page; checks that every tag is closed."""

    VOID = frozenset({"meta", "img", "br", "hr", "link", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        fields = dict(attrs)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [fields["id"]] if "id" in fields else []
        self.links += [fields[name] for name in ("href", "action", "data") if name in fields]
        self.images += [fields] if tag == "img" else []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.texts.append(data)
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def fits():
    return [kf.fit(DATA, regime=regime, width=30, steps=500) for regime in ("kernel", "adaptive")]


@pytest.fixture(scope="module")
def written(fits, tmp_path_factory):
    directory = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "DPI", 60)  # quicker
        return page.write(fits, directory / "run.html", command="knotflow fit data.csv --seed 0")


@pytest.fixture
def no_figures(monkeypatch):
    """Figures of one pixel, where only the words matter."""
    dot = io.BytesIO()
    Image.new("RGB", (1, 1)).save(dot, format="png")
    monkeypatch.setattr(page, "_png", lambda figure, dpi=None: dot.getvalue())


def outline(path) -> Outline:
    return Outline(path.read_text(encoding="utf-8"))


def test_the_page_and_its_figures_are_written_and_nothing_else(written):
    names = [path.name for path in written]
    panels = ("fit", "neurons", "knots", "loss")
    assert names[:3] == ["run.html", "run-functions.png", "run-losses.png"]
    assert names[3:] == [f"run-{regime}-{panel}.png" for regime in ("kernel", "adaptive") for panel in panels]
    assert sorted(path.name for path in written[0].parent.iterdir()) == sorted(names)


def test_the_page_needs_no_other_file_and_no_network(written):
    text = written[0].read_text(encoding="utf-8")
    found = outline(written[0])
    assert "http" not in text
    assert "<script" not in text
    assert not re.search(r"@import|url\(", text)
    assert all(image["src"].startswith("data:image/png;base64,") for image in found.images)
    assert all(link.startswith("#") and link[1:] in found.ids for link in found.links)
    assert len(found.ids) == len(set(found.ids))
    assert len(text) < 2_000_000


def test_the_embedded_figures_are_the_files_beside_the_page(written):
    embedded = [base64.b64decode(image["src"].partition(",")[2]) for image in outline(written[0]).images]
    assert embedded == [path.read_bytes() for path in written[1:]]
    for png in embedded:
        image = Image.open(io.BytesIO(png))
        assert image.size == (342, 252)
        assert np.asarray(image).std() > 5


def test_every_image_has_a_text_for_those_who_do_not_see_it(written):
    alternatives = [image["alt"] for image in outline(written[0]).images]
    assert all(alternatives)
    assert len(set(alternatives)) == len(alternatives)


def test_rounded_colours_are_within_one_of_the_drawn_ones(fits):
    buffer = io.BytesIO()
    kf.plots.fit_plot(fits[1]).savefig(buffer, format="png")
    drawn = np.asarray(Image.open(buffer).convert("RGB")).astype(int)
    shown = np.asarray(Image.open(io.BytesIO(page._png(kf.plots.fit_plot(fits[1]))))).astype(int)
    assert np.abs(drawn - shown).max() == 1


def test_the_table_shows_each_number_of_each_fit_and_explains_it(written, fits):
    rows = {row[0]: row[1:] for row in outline(written[0]).rows}
    for number in NUMBERS:
        *cells, meaning = rows[f"{number.name}{number.unit}"]
        assert meaning == number.meaning
        for cell, fit in zip(cells, fits, strict=True):
            value = fit.summary[number.key]
            plain = cell.replace(",", "").replace("−", "-")
            if "×10" not in plain:
                shown = float(plain.removesuffix("%")) / (100 if plain.endswith("%") else 1)
                assert shown == pytest.approx(value, rel=5e-4, abs=5e-4 if plain.endswith("%") else 0)
    assert rows["Linear pieces"][:2] == [str(fit.summary["pieces"]) for fit in fits]


def test_settings_outcome_and_command_are_there(written, fits):
    found = outline(written[0])
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows["Width m"] == ["30", "30"]
    assert rows["δ = c² − a² − b² at the start"] == ["−10,000", "10,000"]
    assert rows["Trained parameters"] == ["a, b, c", "a, b, c"]
    assert rows["Steps taken"] == ["500", "500"]
    assert rows["Status"] == ["finished", "finished"]
    run = fits[0].trajectory
    limit = words.shown(kf.stability_limit(run.start, run.data, run.train))
    assert rows["Stability bound 2/λ at the start"][0] == limit
    assert "knotflow fit data.csv --seed 0" in found.text
    assert "6 samples, 5 distinct values of time, 2 training runs: kernel, adaptive." in found.text
    for fit in fits:
        verdict = fit.summary["verdict"]
        assert verdict[1:] in found.text
        assert words.REGIMES[fit.regime] in found.text
        assert words.observed(fit) in found.text


# -- words only --------------------------------------------------------------------------------------------


def test_without_a_command_the_page_shows_calls_that_repeat_the_fits(no_figures, fits, tmp_path):
    path = page.write(fits[:1], tmp_path / "one.html")[0]
    text = outline(path).text
    call = words.code(fits[0])
    assert call in text
    scope = {"kf": kf, "data": DATA}
    exec(call, scope)
    assert np.array_equal(scope["fit"].trajectory.c, fits[0].trajectory.c)
    assert "The functions" not in text  # one fit is compared with nothing


def test_names_are_escaped(no_figures, tmp_path):
    data = kf.Samples([0, 1, 2], [0, 1, 0], x_name="<script>alert(1)</script>", y_name='a"b & c')
    path = page.write([kf.fit(data, width=5, steps=3)], tmp_path / "x.html", command="knotflow fit '<a&b>.csv'")[0]
    assert "<script" not in path.read_text(encoding="utf-8")
    found = outline(path)
    assert "<script>alert(1)</script>" in found.text
    assert "knotflow fit '<a&b>.csv'" in found.text


def test_runs_of_one_name_are_kept_apart(no_figures, fits, tmp_path):
    other = kf.fit(DATA, delta=-3.0, width=5, steps=3)
    paths = page.write([fits[0], fits[0], other], tmp_path / "r.html")
    assert [p.name for p in paths if p.name.endswith("fit.png")] == [
        "r-kernel-fit.png",
        "r-kernel-2-fit.png",
        "r-delta--3-fit.png",
    ]
    found = outline(paths[0])
    assert {"kernel", "kernel-2", "delta--3"} <= set(found.ids)
    assert "δ = −3" in found.text
    assert words.CUSTOM in found.text


def test_different_deltas_never_share_files(no_figures, tmp_path):
    fits = [kf.fit(DATA, delta=delta, width=5, steps=3) for delta in (3.0, -3.0)]
    paths = page.write(fits, tmp_path / "r.html")
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize("steps", [0, 1])
def test_a_run_that_hardly_ran_is_reported_with_its_figures(steps, tmp_path, monkeypatch):
    monkeypatch.setattr(style, "DPI", 40)
    fit = kf.fit(kf.Samples([0, 1], [0, 0]), width=1, steps=steps)
    paths = page.write([fit], tmp_path / "tiny.html")
    assert len(paths) == 5
    assert "Steps taken" in outline(paths[0]).text


def test_an_empty_list_is_refused(tmp_path):
    with pytest.raises(kf.InputError, match=r"fits is empty: it must hold at least one fit, for example"):
        kf.report.write([], tmp_path / "r.html")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_list_is_not_saved(tmp_path):
    with pytest.raises(kf.InputError, match="fits is empty: it must hold at least one fit"):
        kf.report.save([], tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_the_card_of_a_fit_is_whole_and_small(fits):
    found = Outline(kf.report.card(fits[0]))
    assert [row[0] for row in found.rows] == [
        f"{n.name}{' ' * bool(n.unit)}{n.unit}" for n in NUMBERS if n.key in page._CARD
    ]
    assert len(found.rows) == len(page._CARD)
    assert "30 neurons, 6 samples. Not converged: " in found.text
    assert len(found.images) == 1


def test_a_page_elsewhere_shares_the_style_and_the_escaping(tmp_path):
    (tmp_path / "mine.html").write_text("{% include 'style.html' %}<p>{{ words }} {{ version }}</p>")
    text = html.render("mine.html", {"words": "<b>"}, tmp_path)
    assert "--accent" in text
    assert f"<p>&lt;b&gt; {kf.__version__}</p>" in text
    with pytest.raises(UndefinedError):
        html.render("mine.html", {}, tmp_path)


def test_nothing_is_left_and_nothing_is_lost_when_writing_fails(no_figures, fits, tmp_path, monkeypatch):
    target = tmp_path / "r.html"
    target.write_text("old")

    def full(self, content):
        raise OSError("disk full")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(OSError, match="disk full"):
        page.write(fits, target)
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1234567, "1,234,567"),
        (-3, "−3"),
        (0.0, "0"),
        (1.0, "1.000"),
        (12.3456, "12.35"),
        (9999.96, "10,000"),
        (12345.678, "12,350"),
        (9999999.0, "1.000×10⁷"),
        (0.00123456, "0.001235"),
        (-0.0005, "−5.000×10⁻⁴"),
        (-0.005, "−0.005000"),
        (1.5e-9, "1.500×10⁻⁹"),
        (-2.0e30, "−2.000×10³⁰"),
        (5e-324, "4.941×10⁻³²⁴"),
        (float("nan"), "–"),
        (float("inf"), "∞"),
        (None, "–"),
        (True, "yes"),
        ("sqrt", "sqrt"),
        (("a", "b"), "a, b"),
        (np.float64(2.5), "2.500"),
        (np.int64(7), "7"),
    ],
)
def test_numbers_as_a_table_shows_them(value, text):
    assert words.shown(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0%"), (1e-5, "<0.1%"), (0.12345, "12.3%"), (1.0, "100.0%"), (float("nan"), "–")]
)
def test_shares(value, text):
    assert words.share(value) == text


def test_what_is_observed_without_knots_in_the_range(fits):
    net = kf.ReLUNet([1.0], [100.0], [1.0])
    run = kf.evolve(net, fits[0].trajectory.data, kf.GradientDescent(lr=0.1), steps=0)
    sentences = words.observed(dataclasses.replace(fits[0], net=net, trajectory=run))
    assert sentences.startswith(
        "At the end no knot is in the data range: f is a straight line there. In the units of y"
    )
