"""The fingerprint knows code from words."""

import pytest

from reverie.results.fingerprint import fingerprint, syntax

SOURCE = '''"""A module."""

from dataclasses import dataclass


@dataclass
class Config:
    """Values."""

    rate: float = 0.1
    """of learning"""

    def twice(self) -> float:
        """Both."""
        return 2 * self.rate  # so much
'''


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""A module."""', '"""Another text."""'),
        ('"""A module."""\n', ""),
        ('    """of learning"""\n', ""),
        ("  # so much", "  # so little"),
        ('        """Both."""\n', ""),
        ("2 * self.rate", "(2\n                * self.rate)"),
    ],
)
def test_words_do_not_count(before, after):
    changed = SOURCE.replace(before, after)
    assert changed != SOURCE
    assert syntax(changed) == syntax(SOURCE)


@pytest.mark.parametrize(
    ("before", "after"),
    [("0.1", "0.2"), ("2 *", "2 +"), ("rate", "speed"), ("2 *", "2.0 *"), ("@dataclass\n", ""), ("-> float", "-> int")],
)
def test_code_counts(before, after):
    assert syntax(SOURCE.replace(before, after)) != syntax(SOURCE)


def test_none_and_an_empty_list_are_told_apart():
    assert (
        len({syntax("x = None"), syntax("x = []"), syntax("x = [None]"), syntax("x = 'None'"), syntax("x: int")}) == 5
    )


def test_which_modules_count(tmp_path):
    for name in ("train/a.py", "cli/b.py", "report/c.py", "results/d.py", "version.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    before = fingerprint(tmp_path)
    for name in ("cli/b.py", "report/c.py", "results/d.py", "version.py"):
        (tmp_path / name).write_text("x = 2\n")
    assert fingerprint(tmp_path) == before
    (tmp_path / "train/a.py").write_text("x = 2\n")
    after = fingerprint(tmp_path)
    assert after != before
    (tmp_path / "train/a.py").rename(tmp_path / "train/moved.py")
    assert fingerprint(tmp_path) not in (before, after)


def test_the_package_has_one():
    assert fingerprint() == fingerprint()
    assert len(fingerprint()) == 16
