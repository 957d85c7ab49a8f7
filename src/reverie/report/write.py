"""Files that are never half written: a new file is made aside, and takes its name only when it is whole."""

import json
import math
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def aside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path to write to, which becomes `path` when the block ends well.

    The temporary file lies in the same folder (made if need be), since a rename is atomic within one file system only,
    and has the same suffix, since many writers choose their format by it. If the block raises, the temporary file
    goes and whatever was at `path` stays as it was.

    Raises:
        FileNotFoundError: the block ended without writing the file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        yield partial
        # The bytes must be on the disk before the name points at them, and the name before the caller goes on.
        _sync(partial)
        os.replace(partial, path)
        _sync_folder(path.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write a text file (UTF-8, line ends as given), whole or not at all."""
    with aside(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a JSON file, indented, whole or not at all; a number that is not finite becomes null (see `plain`).

    Raises:
        TypeError: the value holds something that JSON does not know.
    """
    write_text(path, json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def plain(value: Any) -> Any:
    """The same value with null in place of every number that is not finite.

    JSON has no nan and no inf. Null is what every reader of JSON understands (a table of numbers shows it as missing),
    where the string "nan" would turn a column of numbers into one of text, and a bare NaN stops a strict reader.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def _sync(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; systems which cannot open a folder (Windows) do it by themselves."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
