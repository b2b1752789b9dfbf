"""The journal of a search: what was asked and told, a line each, every line under a checksum."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from sushi_dse.errors import UserError
from sushi_dse.files import file_bytes, refuse_link

CHECKSUM_DIGITS = 16


class Journal(BaseJournalBackend):
    """Optuna's journal in a file that one process writes at a time, as the folder is locked.

    A line begins with a checksum of the run, of all lines before it, and of what it holds.  So what
    stands before the first line that was torn, edited, moved or copied from elsewhere is sound, and
    the rest is cut off: its trials are asked again.  Lines are not flushed to disk one by one, for
    the same reason.
    """

    def __init__(self, path: Path, run: str) -> None:
        refuse_link(path)
        self._path, self._last = path, run
        self._lines: list[bytes] = []  # what the lines hold, as JSON
        if path.exists():
            whole = 0
            for line in file_bytes(path).splitlines(keepends=True):
                text = line[CHECKSUM_DIGITS + 1 : -1]
                if line != self._line(text):
                    break
                self._add(text)
                whole += len(line)
            os.truncate(path, whole)

    def _line(self, text: bytes) -> bytes:
        """The line with a text, if it is the next one."""
        return b"%s %s\n" % (_checksum(self._last, text).encode(), text)

    def _add(self, text: bytes) -> None:
        self._last = _checksum(self._last, text)
        self._lines.append(text)

    def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
        """What the lines hold, from that one on."""
        return [json.loads(text) for text in self._lines[log_number_from:]]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append a line for each; `UserError` where they cannot be written."""
        written = []
        for log in logs:
            text = json.dumps(log, separators=(",", ":")).encode()
            written.append(self._line(text))
            self._add(text)
        try:
            with self._path.open("ab") as file:
                file.write(b"".join(written))
        except OSError as error:
            raise UserError(
                f"{self._path}: cannot be written ({error.strerror}); mend that, and run the same "
                "command again to go on"
            ) from None


def _checksum(before: str, text: bytes) -> str:
    return hashlib.sha256(before.encode() + b" " + text).hexdigest()[:CHECKSUM_DIGITS]
