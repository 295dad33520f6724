import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from rag.evaluation import charts, failures
from rag.evaluation.report import MEANINGS, render, write_report
from rag.evaluation.results import Run, to_json
from rag.evaluation.runner import Library, ask
from rag.evaluation.scoring import METRICS, score
from rag.evaluation.summary import WHOLE
from rag.evaluation.systems import Quoth
from rag.evaluation.types import (
    Corpus,
    Dataset,
    Gold,
    Prediction,
    Question,
    Quote,
    Raw,
    Texts,
)
from tests.evaluation.browser import dump_dom, needs_browser, screenshot

HOSTILE = '<img src=x onerror="alert(1)"> & <script>document.title="owned"</script>'


def hostile_run() -> Run:
    """Markup in the question, the documents, the answers, names and settings; some of it wrong."""
    text = f"The keeper wrote {HOSTILE} in 1871. Nothing else is known."
    raws = (Raw(text.encode(), "d/<b>0", "d/<b>0"), Raw(b"Another <i>page</i>.", "d/1", "d/1"))
    quoted = text.index("in 1871")
    questions = (
        Question(
            "q<1>",
            "en",
            f"What did he write? {HOSTILE}",
            "d",
            (Gold("1871", "en"),),
            ("d/<b>0",),
            "en",
        ),
        Question("q2", "el", "Πού;", "d", (Gold("1871", "en"),), ("d/<b>0",), "en"),
        Question("q3", "en", "Who?", "d", answerable=False, without=("d/<b>0",)),
    )
    texts = Texts(
        {raw.source: raw.data.decode() for raw in raws}, {}, {"d/<b>0": "en", "d/1": "en"}
    )
    predictions = (
        Prediction(("d/1", "d/<b>0"), True, HOSTILE, "en", 0.9, (Quote("d/1", "Another <i>page</i>.", 0, 20),)),
        Prediction(("d/<b>0",), True, "1871", "en", 0.8, (Quote("d/<b>0", text[quoted : quoted + 7], quoted, quoted + 7),)),
        Prediction(("d/1",), True, "invented", "en", 0.7, (Quote("d/1", f"invented {HOSTILE}", 0, 5),)),
    )  # fmt: skip
    rows = [score(q, p, texts) for q, p in zip(questions, predictions, strict=True)]
    dataset = Dataset(f"set {HOSTILE}", "", questions, (Corpus("d", raws),))
    library = Library({"d": texts}, {}, {HOSTILE: HOSTILE}, 0.0)
    return Run(dataset, library, rows, {"limit": HOSTILE}, {HOSTILE: HOSTILE}, 0, {})


def test_every_metric_is_explained() -> None:
    assert list(MEANINGS) == [*METRICS, *WHOLE]


def test_everything_is_escaped() -> None:
    run = hostile_run()
    page = render(to_json(run), run)
    assert "<script" not in page
    assert "<img" not in page
    assert "<i>" not in page
    assert "d/<b>0" not in page
    assert "&lt;script&gt;" in page


def test_the_page_needs_nothing_else() -> None:
    run = hostile_run()
    page = render(to_json(run), run)
    outside = page.replace(HOSTILE, "")
    assert not re.search(
        r"""(?:src|href|action|srcset)\s*=|url\(|@import|https?://""", outside.replace("src=x", "")
    )
    assert "default-src 'none'" in page


def test_a_wrong_answer_shows_what_stands_there_and_what_was_quoted() -> None:
    run = hostile_run()
    found = failures.worst(run.rows, run.library.texts)
    assert [(failure.row.question.id, failure.kind) for failure in found] == [
        ("q<1>", "answered wrongly"),
        ("q3", "answered, though the documents do not say"),
    ], "by falling confidence; q2 went well"
    wrong, invented = found
    assert [piece.text for piece in wrong.expected[0].pieces if piece.marked] == ["1871"]
    assert (
        "".join(piece.text for piece in wrong.expected[0].pieces)
        in run.library.texts["d"].canonical["d/<b>0"]
    )
    assert [piece.text for piece in wrong.found[0].pieces if piece.marked] == [
        "Another <i>page</i>."
    ]
    assert wrong.found[0].verified
    assert not invented.found[0].verified
    assert invented.expected == ()


def test_missed_documents_come_after_wrong_answers_and_the_lowest_first() -> None:
    texts = Texts({f"d{n}": f"Words {n}." for n in range(4)}, {}, {})

    def row(identity: str, **prediction: object):  # type: ignore[no-untyped-def]
        question = Question(identity, "en", "?", "c", (Gold("Words"),), ("d0",))
        return score(question, Prediction(**prediction), texts)  # type: ignore[arg-type]

    quote = Quote("d0", "Words", 0, 5)
    rows = [
        row("second", ranked=("d1", "d0")),
        row("missed", ranked=("d1", "d2", "d3")),
        row("fine", ranked=("d0",)),
        row("withheld", ranked=("d0",), answered=False, confidence=0.4, quotes=(quote,)),
        row("wrong", ranked=("d0",), answered=True, confidence=0.1),
    ]
    found = failures.worst(rows, {"c": texts})
    assert [(f.row.question.id, f.kind, f.rank) for f in found] == [
        ("wrong", "answered wrongly", 1),
        ("missed", "not found", None),
        ("second", "ranked 2", 2),
        ("withheld", "withheld the right answer", 1),
    ]
    assert found[1].found[0].source == "d1", "what was ranked first"
    assert [f.row.question.id for f in failures.worst(rows, {"c": texts}, limit=1)] == ["wrong"]


def test_the_heat_map_has_a_cell_for_each_pair() -> None:
    run = hostile_run()
    found = charts.heat_map(to_json(run)["by_pair"], "answer.correct")
    assert found is not None
    assert (found.rows, found.columns) == (["el", "en"], ["en"])
    assert [[cell.value for cell in row] for row in found.cells] == [[1.0], [0.0]]
    assert found.cells[0][0].background == charts.shade(1.0) != found.cells[1][0].background


def test_the_plots_lie_where_the_figures_are() -> None:
    plot = charts.risk_coverage_plot(
        [{"coverage": 0.5, "risk": 0.0}, {"coverage": 1.0, "risk": 1.0}]
    )
    assert plot is not None
    # x from 48 to 428, y from 260 (0) to 12 (1); the line starts at coverage 0.
    assert plot.line == "M48 260 L238 260 L428 12"
    entry = {"lower": 0.5, "upper": 1.0, "count": 4, "confidence": 0.75, "accuracy": 0.25}
    empty = {"lower": 0.0, "upper": 0.5, "count": 0, "confidence": None, "accuracy": None}
    plot = charts.reliability_plot([empty, entry])
    assert plot is not None
    (bar,) = plot.bars
    assert (bar.x, bar.y, bar.width, bar.height, bar.confidence_x) == (239, 198, 188, 62, 333)
    assert charts.risk_coverage_plot([]) is charts.reliability_plot([empty]) is None


def test_the_report_folder(tmp_path: Path, quoth: Quoth, facts: Dataset, library: Library) -> None:
    run = Run(facts, library, ask(facts, quoth, library), {"limit": None}, {}, 0, {})
    write_report(to_json(run), run, tmp_path / "new" / "report")
    assert {path.name for path in (tmp_path / "new" / "report").iterdir()} == {
        "index.html",
        "results.json",
    }


@needs_browser
def test_a_browser_shows_the_plots_and_the_failures(tmp_path: Path) -> None:
    run = hostile_run()
    write_report(to_json(run), run, tmp_path)
    page = dump_dom(tmp_path / "index.html", tmp_path / "profile")
    # The browser parsed it: what was escaped is text, and no element came of it.
    assert "<title>Evaluation of set &lt;img" in page
    assert "<img" not in page
    assert "<script" not in page
    curves = re.findall(r'<path class="curve" d="(M[^"]+)"', page)
    assert len(curves) == 1
    assert len(curves[0].split("L")) == 4, "from coverage 0 through three confidences"
    assert len(re.findall(r'<rect class="bar"', page)) == 3
    assert re.findall(r"<mark>([^<]*)</mark>", page) == ["1871"]
    assert re.findall(r'<mark class="wrong">([^<]*)', page)[0] == "Another &lt;i&gt;page&lt;/i&gt;."
    assert "not in the document as claimed" in page
    heat = page[page.index('class="heat"') : page.index("</table>", page.index('class="heat"'))]
    assert charts.shade(1.0) in heat


@needs_browser
def test_the_plots_are_drawn_in_their_colours(tmp_path: Path) -> None:
    run = hostile_run()
    # Nothing but the plots, so that what is on the picture is theirs.
    page = render(to_json(run), run)
    plots = re.findall(r"<svg.*?</svg>", page, re.S)
    style = page[page.index("<style>") : page.index("</style>") + 8]
    alone = tmp_path / "plots.html"
    alone.write_text(f"<!doctype html>{style}{''.join(plots)}", "utf-8")
    screenshot(alone, tmp_path / "profile", tmp_path / "shot.png", "800,1200")
    colours = png_colours(tmp_path / "shot.png")
    assert colours[(111, 168, 189)] > 500, "bars"
    assert colours[(11, 82, 110)] > 100, "the curve"
    assert len(plots) == 2


def png_colours(path: Path) -> dict[tuple[int, int, int], int]:
    """How many pixels of each colour an 8-bit PNG without interlacing has."""
    data = path.read_bytes()
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    channels = {2: 3, 6: 4}[kind]
    packed, at = b"", 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    return _count(zlib.decompress(packed), width * channels, height, channels)


def _count(raw: bytes, stride: int, height: int, channels: int) -> dict[tuple[int, int, int], int]:
    counts: dict[tuple[int, int, int], int] = {}
    above = bytearray(stride)
    for line in range(height):
        start = line * (stride + 1)
        current = bytearray(raw[start + 1 : start + 1 + stride])
        _unfilter(raw[start], current, above, channels)
        for x in range(0, stride, channels):
            pixel = (current[x], current[x + 1], current[x + 2])
            counts[pixel] = counts.get(pixel, 0) + 1
        above = current
    return counts


def _unfilter(kind: int, line: bytearray, above: bytearray, step: int) -> None:
    for x in range(len(line)):
        left = line[x - step] if x >= step else 0
        corner = above[x - step] if x >= step else 0
        if kind == 1:
            add = left
        elif kind == 2:
            add = above[x]
        elif kind == 3:
            add = (left + above[x]) // 2
        elif kind == 4:
            guess = left + above[x] - corner
            distances = (abs(guess - left), abs(guess - above[x]), abs(guess - corner))
            add = (left, above[x], corner)[distances.index(min(distances))]
        else:
            add = 0
        line[x] = (line[x] + add) & 255


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    run = replace(hostile_run(), seed=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(Exception, match="choose another folder"):
        write_report(to_json(run), run, tmp_path / "file" / "report")
