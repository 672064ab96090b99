"""The report as it is handed over: a page, a paper and pictures, looked at by programs that did not make them."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
import typst
from lxml import etree, html

from bot.reports import service
from bot.reports.charts import Circle, _meet, _spots
from bot.reports.rendering import Renderer
from bot.reports.service import Material
from tests.reports.conftest import Reporting


@pytest.fixture(scope="session")
def made(material: Material, messages_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The golden report: all countries, in French."""
    folder = tmp_path_factory.mktemp("report")
    return {kind: folder / name for kind, name in service.write(material, messages_dir, None, "fr", folder).items()}


def test_the_page_needs_nothing_else_and_says_every_figure_in_words_and_in_a_table(made: dict[str, Path]) -> None:
    text = made["html"].read_text("utf-8")
    page = html.fromstring(text)
    assert page.get("lang") == "fr"
    assert {address[:5] for address in page.xpath("//@src | //@srcset | //link/@href")} == {"data:"}
    assert "http:" not in re.sub(r"data:[^\"]+", "", text)
    figures = page.xpath("//figure")
    assert len(figures) == 28
    for figure in figures:
        title = figure.findtext("h3")
        (picture,) = figure.xpath(".//img")
        assert picture.get("alt").startswith(title.strip())
        assert any("%" in cell or cell.isdecimal() for cell in figure.xpath(".//td/text()"))
        note = figure.findtext("figcaption")
        assert "Réponses recueillies du 3 mars 2026" in note
        assert re.search(r"\d", note)
    assert "pas un échantillon aléatoire" in page.text_content()
    assert [text for text in page.xpath("//main//text()") if re.search(r"[^\s\u00a0][:;?!»%](\s|$)", text)] == []


def test_no_picture_is_empty(made: dict[str, Path]) -> None:
    folder = made["zip"].with_suffix("")
    pictures = sorted(folder.glob("*.svg"))
    assert len(pictures) == len([*folder.glob("*.png")]) == 28
    for path in pictures:
        drawing = etree.parse(path)
        shapes = drawing.xpath("count(//*[local-name()='use'])")
        assert shapes > 40, path.name
        assert drawing.xpath("//*[local-name()='path'][contains(@d, 'L') or contains(@d, 'l') or contains(@d, 'v')]")
        assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_the_paper_opens_has_its_pages_and_no_text_lies_upon_other_text(made: dict[str, Path]) -> None:
    paper = pypdfium2.PdfDocument(made["pdf"])
    texts = [paper[number].get_textpage() for number in range(len(paper))]
    said = [text.get_text_range() for text in texts]
    assert 18 <= len(paper) <= 26
    assert "Cartographie de la" in said[0]
    assert "Table des matières" in said[1]
    assert "Résumé" in said[2]
    assert "Annexe" in said[-1] or "Tableau 28" in said[-1]
    assert paper.get_metadata_value("Title").startswith("Cartographie de la diaspora")
    for number, text in enumerate(texts):
        boxes = [text.get_rect(index) for index in range(text.count_rects())]
        assert [*overlapping(boxes)] == [], number + 1
    paper.close()


def overlapping(boxes: list[tuple[float, ...]]) -> Iterator[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Yield pairs of lines of text that have more than a hair in common; boxes are left, bottom, right, top."""
    for place, one in enumerate(boxes):
        for other in boxes[:place]:
            wide = min(one[2], other[2]) - max(one[0], other[0])
            high = min(one[3], other[3]) - max(one[1], other[1])
            if wide > 1 and high > 1.5:
                yield one, other


def test_labels_on_the_map_fit_their_boxes_which_never_meet(report: Reporting, messages_dir: Path) -> None:
    for language in ("en", "fr"):
        chart = next(figure.chart for _, figure in report(None, language).figures if figure.id == "residence")
        assert chart
        for width in ("wide", "narrow"):
            for part in ("world", "near"):
                size, spots = chart[width][part]["size"], chart[width][part]["spots"]
                labelled = [spot for spot in spots if spot["label"]]
                boxes = [
                    (spot["left"], spot["top"], spot["left"] + spot["width"], spot["top"] + 1.25 * size)
                    for spot in labelled
                ]
                assert not any(_meet(one, other) for one in boxes for other in boxes if one is not other)
                assert all(printed(spot["label"], size, messages_dir) <= spot["width"] for spot in labelled)
    near = {spot["label"] for spot in chart["wide"]["near"]["spots"]}
    assert {"Lesotho", "Malawi", "Maurice"} <= near


def printed(text: str, size: float, messages_dir: Path) -> float:
    """Return how wide a text is in the report's letters."""
    said = f'#text(font: "Public Sans", weight: "semibold", size: {size}pt, "{text}")'
    code = f"#set page(width: auto, height: auto, margin: 0pt)\n{said}"
    fonts = [str(messages_dir / "reports" / "fonts")]
    drawn = typst.compile(code.encode(), format="svg", font_paths=fonts, ignore_system_fonts=True)
    return float(re.search(rb'width="([\d.]+)pt"', drawn)[1])


def test_a_label_that_finds_no_room_is_left_out() -> None:
    crowd = [Circle(50 + number, 50, 3, "A long name of a country") for number in range(9)]
    labels = [spot["label"] for spot in _spots(crowd, 10, (0, 0, 400, 100))]
    assert 0 < labels.count("") < 9


def test_the_same_numbers_give_the_same_bytes(made: dict[str, Path], report: Reporting, messages_dir: Path) -> None:
    built = report(None, "fr")
    again = Renderer(messages_dir, built)
    assert again.pdf() == made["pdf"].read_bytes()
    for number, figure in built.figures[::6]:
        path = made["zip"].with_suffix("") / f"{number:02}-{figure.id}.svg"
        assert again.svg(figure) == path.read_bytes()
        narrow = base64.b64encode(again.svg(figure, "narrow"))
        assert narrow in made["html"].read_bytes()
