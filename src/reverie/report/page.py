"""One self-contained HTML page: headings, tables, figures and findings, with nothing from elsewhere."""

import base64
import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from reverie.errors import Finding
from reverie.report.write import write_text

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2330; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; } h2 { margin-top: 2.6rem; border-top: 1px solid #cfd5df; padding-top: 1rem; }
table { border-collapse: collapse; font-size: 0.86rem; display: block; overflow-x: auto; }
th, td { text-align: left; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid #e4e8ef; white-space: nowrap; }
figure { margin: 1.2rem 0; } img { max-width: 100%; image-rendering: auto; } img.pixels { image-rendering: pixelated; }
figcaption { color: #55606f; font-size: 0.86rem; max-width: 46rem; }
ul.findings { padding-left: 0; list-style: none; }
.findings li { border-left: 4px solid #e69f00; padding: 0.2rem 0 0.2rem 0.8rem; margin: 0.5rem 0; }
.findings li.violation { border-color: #d55e00; } .findings li.fine { border-color: #009e73; }
.findings b { font-family: ui-monospace, monospace; font-weight: 600; }
code { font-size: 0.86rem; overflow-wrap: anywhere; }
"""

KINDS = {".png": "image/png", ".gif": "image/gif"}


class Page:
    """A page, put together from top to bottom; all text is escaped."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]

    def heading(self, text: str) -> None:
        """What the next parts are about."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """A paragraph."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def command(self, text: str) -> None:
        """What was typed."""
        self._parts.append(f"<p><code>{escape(text)}</code></p>")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """A table."""
        top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        self._parts.append(f"<table><tr>{top}</tr>{body}</table>")

    def figure(self, path: Path, caption: str) -> None:
        """A PNG or GIF, kept within the page."""
        data = base64.b64encode(path.read_bytes()).decode()
        look = ' class="pixels"' if path.suffix == ".gif" else ""
        image = f'<img{look} alt="{escape(caption)}" src="data:{KINDS[path.suffix]};base64,{data}">'
        self._parts.append(f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>")

    def findings(self, found: Iterable[Finding]) -> None:
        """What is wrong, and what may help."""
        items = [
            f'<li class="{finding.level}"><b>{escape(finding.name)}</b>: {escape(finding.message)}'
            + (f"; {escape(finding.cure)}" if finding.cure else "")
            + "</li>"
            for finding in found
        ]
        self._parts.append(f'<ul class="findings">{"".join(items)}</ul>')

    def html(self) -> str:
        """The whole page."""
        head = f'<meta charset="utf-8"><title>{escape(self._title)}</title><style>{STYLE}</style>'
        view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
        body = "\n".join(self._parts)
        return f'<!doctype html>\n<html lang="en"><head>{head}{view}</head><body>\n{body}\n</body></html>\n'

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write it, whole or not at all."""
        write_text(path, self.html())
