"""The documentation site: its navigation, its links into the repository, and its build where mkdocs is installed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))


def entries():
    """The pages that the navigation names."""
    _, navigation = (ROOT / "mkdocs.yml").read_text().split("\nnav:\n")
    return re.findall(r"^ +- (?:[^:\n]+: )?(\S+\.md)$", navigation, re.MULTILINE)


def test_every_page_is_in_the_navigation_once():
    assert sorted(entries()) == sorted(str(page.relative_to(DOCS).as_posix()) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_to_files(page):
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for address in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
        if not re.match(r"[a-z]+:", address):
            assert (page.parent / unquote(address)).exists(), address


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_what_belongs_to_an_item_of_a_list_is_indented_by_four(page):
    """GitHub takes two spaces as well, and no empty line before the next item; the site would misread both."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert not re.findall(r"\n\n {1,3}\S.*", text)
    assert not re.findall(r"\n {1,3}(?:[-*]|\d+\.) .*", text)
    assert not re.findall(r"\n\n {4}\S[^\n]*(?:\n {4}[^\n]*)*\n(?:[-*]|\d+\.) .*", text)


@pytest.mark.parametrize("page", sorted((DOCS / "reference").glob("*.md")), ids=lambda page: page.stem)
def test_the_reference_names_what_exists(page):
    for name in re.findall(r"^::: (\S+)$", page.read_text(), re.MULTILINE):
        path = ROOT / "src" / name.replace(".", "/")
        module = path if path.with_suffix(".py").exists() or path.is_dir() else path.parent
        source = module.with_suffix(".py") if module.with_suffix(".py").exists() else module / "__init__.py"
        assert source.exists(), name
        if module != path:
            assert re.search(rf"^(?:class|def) {path.name}\b", source.read_text(), re.MULTILINE), name


def test_the_reference_has_all_that_the_package_exposes():
    import reverie

    shown = re.findall(r"^::: \S+\.(\w+)$", (DOCS / "reference" / "reverie.md").read_text(), re.MULTILINE)
    assert sorted(shown) == sorted(set(reverie.__all__) - {"__version__"})


def test_the_examples_are_included_whole():
    for part in ("environment", "backbone", "latent", "behaviour"):
        assert f'--8<-- "examples/own_{part}.py"' in (DOCS / "how-to" / f"{part}.md").read_text()


def test_what_the_site_is_built_with_is_pinned():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()[1:]}
    assert {re.split(r"[\[<>=]", need)[0] for need in extras["docs"]} <= pinned


def test_the_site_builds_without_a_warning(tmp_path):
    for package in ("mkdocs", "material", "mkdocstrings"):
        pytest.importorskip(package)
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    home = (tmp_path / "site" / "index.html").read_text()
    assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//(?!localhost)', home)
    picture = tmp_path / "site" / "results" / "swingup-repeat4" / "curves.png"
    assert picture.read_bytes() == (ROOT / "results" / "swingup-repeat4" / "curves.png").read_bytes()
