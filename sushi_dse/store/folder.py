"""A folder of results: `run.json`, which identifies the run, and a part for each block of designs.

A part is whole or absent, so that its existence marks its block as done, and an interrupted run
goes on where it stopped.
"""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from sushi_dse.errors import UserError
from sushi_dse.files import write_whole
from sushi_dse.store.lock import HOLDER_SUFFIX, holder, lock
from sushi_dse.store.parts import (
    Part,
    part_files,
    part_name,
    verified_content,
)
from sushi_dse.store.run import RUN_FILE, Run

LOCK_FILE = ".lock"
SCRATCH_NAME = re.compile(r"\.(run\.json|(part|certificate)[\w-]*\.parquet)\.\d+")
MENDS = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "make room there",
    errno.EACCES: "make the folder writable",
    errno.EPERM: "make the folder writable",
    errno.EROFS: "make the folder writable",
    errno.ENOENT: "leave the folder where it is",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The results of one run: `block in store` tells whether a block is done, `write` adds one."""

    folder: Path
    run: Run
    parts: dict[int, Path]  # verified part of each block that is done
    damaged: dict[int, list[Path]]  # parts of each block that do not match their names

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: Path, run: Run) -> Iterator["Store"]:
        """The store at `folder`, made where there is none, and locked against other sweeps.

        The inputs of `run` must hold all that a part depends on, hashes of files and the size of a
        block included.  Every part is verified.  `UserError` where the folder belongs to another
        run or to something else, another process is writing to it, or it cannot be written to.
        """
        content = run.content
        with contextlib.ExitStack() as held:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                _refuse_strangers(folder)
                taken = lock(folder / LOCK_FILE)
                if taken is None:
                    raise UserError(
                        f"{folder}: another sweep{holder(folder / LOCK_FILE)} is writing to it; "
                        "wait for its end, or choose another --out"
                    )
                held.enter_context(taken)
                _start(folder, content)
            except (FileExistsError, NotADirectoryError):
                raise UserError(f"{folder}: is not a folder; choose another --out") from None
            except OSError as error:
                raise UserError(
                    f"{folder}: cannot be written to ({_reason(error)}); {_mend(error)}"
                ) from None
            run.refuse_other(folder)
            parts, damaged = _verified_parts(folder, run.hash)
            yield cls(folder=folder, run=run, parts=parts, damaged=damaged)

    def __contains__(self, block: object) -> bool:
        """Whether the part of that block is done."""
        return block in self.parts

    def write(self, block: int, content: bytes) -> None:
        """Put `content`, which `part_bytes` made, into the part of a block, whole or not at all.

        `UserError` where that fails, for instance on a full disk; finished parts are unchanged.
        """
        path = self.folder / part_name(self.run.hash, block, content)
        try:
            write_whole(path, content)
            for old in self.damaged.pop(block, []):
                if old != path:
                    old.unlink(missing_ok=True)
        except OSError as error:
            kept = sum(part.exists() for part in self.parts.values())
            raise UserError(
                f"{path}: cannot be written ({_reason(error)}); {kept} finished parts are kept: "
                f"{_mend(error)}, and run the same command again to go on from them"
            ) from None
        self.parts[block] = path

    def discard_damaged(self) -> None:
        """Remove the damaged parts that are left at the end: the run has no such blocks.

        `UserError` where one cannot be removed.
        """
        for part in chain.from_iterable(self.damaged.values()):
            try:
                part.unlink(missing_ok=True)
            except OSError as error:
                raise UserError(
                    f"{part}: is damaged, and cannot be removed ({_reason(error)}); {_mend(error)}"
                ) from None
        self.damaged.clear()

    @property
    def rows(self) -> list[Part]:
        """The parts that are done, in the order of blocks."""
        return [Part(path, self.run.hash) for _, path in sorted(self.parts.items())]


def _refuse_strangers(folder: Path) -> None:
    """Raise `UserError` where the folder holds files but no results."""
    own = (LOCK_FILE, LOCK_FILE + HOLDER_SUFFIX, RUN_FILE)
    names = [n for n in os.listdir(folder) if n not in own and not SCRATCH_NAME.fullmatch(n)]
    if names and not (folder / RUN_FILE).exists():
        raise UserError(
            f"{folder}: holds {min(names)!r} but no {RUN_FILE}, so it is no folder of results; "
            "choose another --out"
        )


def _start(folder: Path, content: bytes) -> None:
    """Write `run.json` unless it exists, and remove old scratch files."""
    for name in os.listdir(folder):
        if SCRATCH_NAME.fullmatch(name):
            (folder / name).unlink(missing_ok=True)
    if not (folder / RUN_FILE).exists():
        write_whole(folder / RUN_FILE, content)


def _verified_parts(folder: Path, run: str) -> tuple[dict[int, Path], dict[int, list[Path]]]:
    """The whole part of each block, and the damaged parts of blocks that must be redone."""
    whole: dict[int, Path] = {}
    damaged: dict[int, list[Path]] = {}
    for block, group in groupby(part_files(folder), key=itemgetter(0)):
        paths = [path for _, path in group]
        sound = [path for path in paths if verified_content(path, run) is not None]
        if len(sound) != 1:  # Equal inputs cannot have made two different whole parts.
            damaged[block] = paths
            continue
        whole[block] = sound[0]
        for path in paths:  # A kill may come between writing a part anew and removing the old one.
            if path != sound[0]:
                path.unlink(missing_ok=True)
    return whole, damaged


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _mend(error: OSError) -> str:
    return MENDS.get(error.errno or 0, "mend that")
