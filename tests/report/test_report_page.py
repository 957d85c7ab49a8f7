"""The page holds what it was given, and nothing that asks for anything from elsewhere."""

import base64
import re

from reverie.errors import Finding
from reverie.report.page import Page


def test_all_text_is_escaped():
    page = Page("a <b> & c")
    page.heading("<script>alert(1)</script>")
    page.paragraph("1 < 2")
    page.command("reverie train <x>")
    page.table(["<th>"], [["<td>"]])
    page.findings([Finding("violation", "name", "<i>", '"cure"')])
    html = page.html()
    assert "<script" not in html
    assert "a &lt;b&gt; &amp; c" in html
    assert "<td>&lt;td&gt;</td>" in html
    assert '<li class="violation"><b>name</b>: &lt;i&gt;; &quot;cure&quot;</li>' in html


def test_figures_are_kept_within(tmp_path):
    picture = tmp_path / "x.png"
    picture.write_bytes(b"\x89PNG rest")
    page = Page("t")
    page.figure(picture, 'what "it" is')
    page.write(tmp_path / "page.html")
    picture.unlink()
    html = (tmp_path / "page.html").read_text()
    data = re.search(r'src="data:image/png;base64,([^"]*)"', html)
    assert data is not None
    assert base64.b64decode(data[1]) == b"\x89PNG rest"
    assert not re.search(r'(src|href)="(?!data:)', html)
    assert "http" not in html
