"""Links of the pages to files of the repository outside docs/, made right for the site.

On GitHub a page may link to `../results/README.md` or show a picture of results/. On the site, where only docs/ is,
such a link leads to the file in the repository, and such a picture is taken along.
"""

import posixpath
import re
import tomllib
from pathlib import Path
from urllib.parse import urljoin

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
DOCS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Documentation"] + "/"
LINK = re.compile(r"(!?)(\[[^\]]*\]\()((?:\.\./)[^)\s#]*)")


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The page with such links replaced.

    Raises:
        FileNotFoundError: if the repository has no such file.
    """
    here = posixpath.dirname(page.file.src_uri)

    def replaced(link: re.Match[str]) -> str:
        shown, text, address = link.groups()
        place = posixpath.normpath(posixpath.join(here, address))
        if not place.startswith("../"):
            return link[0]
        outside = place.removeprefix("../")
        if not (ROOT / outside).exists():
            raise FileNotFoundError(f"{page.file.src_uri} links to {outside}, which does not exist")
        if not shown:
            return text + urljoin(DOCS, place)
        if files.get_file_from_path(outside) is None:
            files.append(File.generated(config, outside, abs_src_path=str(ROOT / outside)))
        return shown + text + posixpath.relpath(outside, here or ".")

    return LINK.sub(replaced, markdown)
