"""Lay a report out: a page for browsers that needs nothing else, a PDF, and each figure as SVG and PNG."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.reports.document import Report
from bot.reports.figures import Drawn

Width = Literal["wide", "narrow"]
#: Dots of an inch of a PNG: twice what print asks of line drawings on a screen, enough for a slide.
PPI = 200


class Renderer:
    """What draws one report; the templates and fonts are those of messages/reports/."""

    def __init__(self, messages_dir: Path, report: Report) -> None:
        self._folder, self._report = messages_dir / "reports", report
        self._drawn: dict[tuple[str, Width], bytes] = {}

    def svg(self, figure: Drawn, width: Width = "wide") -> bytes:
        """Return a figure as SVG; letters are outlines, so it looks the same everywhere."""
        drawn = self._drawn.get((figure.id, width))
        if drawn is None:
            drawn = self._drawn[figure.id, width] = _compact(self._figure(figure, width, "svg").decode()).encode()
        return drawn

    def png(self, figure: Drawn) -> bytes:
        """Return a figure as PNG."""
        return self._figure(figure, "wide", "png")

    def pdf(self) -> bytes:
        """Return the whole report as tagged PDF, dated by its last answer: the same numbers give the same bytes."""
        last = self._report.last_day or "1970-01-01"
        return self._compile(
            self._folder / "report.typ",
            {"report": json.dumps(self._report.content, ensure_ascii=False)},
            format="pdf",
            timestamp=int(datetime.fromisoformat(last).replace(tzinfo=UTC).timestamp()),
            pdf_standards="ua-1",
        )

    def html(self) -> str:
        """Return the whole report as one file."""
        templates = Environment(
            loader=FileSystemLoader(self._folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        pictures = {
            figure.id: {width: _inline(self.svg(figure, width), "image/svg+xml") for width in ("wide", "narrow")}
            for _, figure in self._report.figures
            if figure.chart
        }
        return templates.get_template("report.html").render(
            **self._report.content, pictures=pictures, fonts=dict(self._fonts())
        )

    def _fonts(self) -> Iterator[tuple[int, str]]:
        for weight, name in ((400, "Regular"), (600, "SemiBold"), (700, "Bold")):
            path = self._folder / "fonts" / f"PublicSans-{name}.woff2"
            yield weight, _inline(path.read_bytes(), "font/woff2")

    def _figure(self, figure: Drawn, width: Width, kind: str) -> bytes:
        chart = json.dumps(figure.chart, ensure_ascii=False)
        return self._compile(
            self._folder / "figure.typ",
            {"chart": chart, "width": width},
            format=kind,
            ppi=PPI if kind == "png" else None,
        )

    def _compile(self, template: Path, inputs: dict[str, str], **options: Any) -> bytes:
        made = self._compiler.compile(str(template), sys_inputs=inputs, **options)
        return bytes(made[0] if isinstance(made, list) else made or b"")

    @cached_property
    def _compiler(self) -> Any:
        import typst

        return typst.Compiler(
            root=str(self._folder), font_paths=[str(self._folder / "fonts")], ignore_system_fonts=True
        )


def _compact(svg: str) -> str:
    """Return the same drawing in half the bytes: short names, and no more digits than an eye can see."""
    names: dict[str, str] = {}
    svg = re.sub(r"\bg[0-9A-F]{20,}\b", lambda found: names.setdefault(found[0], f"g{len(names)}"), svg)
    svg = re.sub(r"\d+\.\d{4,}", lambda found: f"{float(found[0]):.3f}", svg)
    return re.sub(r' fill-rule="nonzero"|(?<= )y="0" ', "", svg)


def _inline(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
