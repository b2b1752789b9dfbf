"""Searches whose study lies in a database."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import create_engine

from sushi_dse.errors import UserError
from sushi_dse.explore.search.storage import JOURNAL_FILE, shown_url
from sushi_dse.explore.search.study_lock import study_lock
from tests.explore.searches import BATCH, TRIALS, parts, plan_of, result, rows_of, run


def test_sqlite_changes_no_byte_and_a_search_in_it_goes_on(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'studies.db'}"
    run(tmp_path / "out", plan_of(), trials=BATCH, url=url)
    run(tmp_path / "out", plan_of(), trials=2 * BATCH, url=url)
    run(tmp_path / "journal", plan_of(), trials=2 * BATCH)
    assert parts(tmp_path / "out") == parts(tmp_path / "journal")
    assert not (tmp_path / "out" / JOURNAL_FILE).exists()


PASSWORD = "s3:cr@t/"
QUOTED = "s3%3Acr%40t%2F"


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a scratch database, whose password is `QUOTED`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(found[-1]) if found else None)
    if initdb is None:
        pytest.skip("PostgreSQL is not installed")
    programs = Path(initdb).parent
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to be run by root
    folder = Path("/var/tmp") / f"sushi-dse-test-{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        if user:
            shutil.chown(folder, user)

        def call(name: str, *arguments: str) -> None:
            subprocess.run([programs / name, *arguments], check=True, user=user, cwd="/",
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip

        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o644)
        data, port = str(folder / "data"), str(20000 + os.getpid() % 20000)
        call("initdb", "-D", data, "-U", "me", "-A", "scram-sha-256",
             "--pwfile", str(folder / "password"))  # fmt: skip
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        call("pg_ctl", "-D", data, "-o", f"{options} -c fsync=off", "-w", "start")
        try:
            yield f"postgresql://me:{QUOTED}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder)


def test_a_study_that_another_search_uses_is_refused(tmp_path: Path) -> None:
    def meanwhile(designs: Sequence[int]) -> pa.Table:
        run(tmp_path / "other", plan_of(), url=url)
        return rows_of(designs)

    url = f"sqlite:///{tmp_path / 'studies.db'}"
    with pytest.raises(UserError, match="another search uses this study"):
        run(tmp_path / "out", plan_of(), made_by=meanwhile, url=url)
    assert len(run(tmp_path / "out", plan_of(), url=url)[1]) == TRIALS


def test_a_study_in_postgresql_that_another_search_uses_is_refused(
    postgresql: str, tmp_path: Path
) -> None:
    plan = plan_of(seed=7)

    def meanwhile(designs: Sequence[int]) -> pa.Table:
        run(tmp_path / "another", plan_of(seed=8), url=postgresql)  # its own study is free
        run(tmp_path / "other", plan, url=postgresql)
        return rows_of(designs)

    with pytest.raises(UserError, match="another search uses this study"):
        run(tmp_path / "out", plan, made_by=meanwhile, url=postgresql)
    assert len(run(tmp_path / "out", plan, url=postgresql)[1]) == TRIALS


def test_a_database_that_has_no_locks_is_refused() -> None:
    engine = create_engine("sqlite://")
    engine.dialect.name = "other"
    with (
        pytest.raises(UserError, match="other has no lock for a study; take postgresql"),
        study_lock(engine, "study"),
    ):
        pass


def test_postgresql_changes_no_byte_and_a_search_in_it_goes_on(
    tmp_path: Path, postgresql: str, uncut: dict[str, Path]
) -> None:
    run(tmp_path / "out", plan_of(), trials=BATCH, url=postgresql)
    found = result(tmp_path / "out", plan_of(), url=postgresql)
    assert found == result(uncut["nsga2"], plan_of())


def test_a_database_that_refuses_says_why_and_keeps_its_secret(
    tmp_path: Path, postgresql: str
) -> None:
    with pytest.raises(UserError, match="password authentication failed") as caught:
        run(tmp_path, plan_of(), url=postgresql.replace(QUOTED, "wr0ng"))
    assert "wr0ng" not in str(caught.value)
    with pytest.raises(UserError, match="cannot be used"):
        run(tmp_path, plan_of(), url=postgresql.replace("/postgres", "/none"))


def test_a_database_that_goes_away_is_one_line(tmp_path: Path) -> None:
    database = tmp_path / "studies.db"

    def lose(designs: Sequence[int]) -> pa.Table:
        database.write_bytes(b"gone")
        return rows_of(designs)

    with pytest.raises(UserError, match=r"--storage sqlite:///.*studies\.db: cannot be used"):
        run(tmp_path / "out", plan_of(), made_by=lose, url=f"sqlite:///{database}")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hush@host:1/db", "postgresql+psycopg://me:***@host:1/db"),
        ("postgresql://host/db?user=me&password=hush", "postgresql+psycopg://host/db"),
        ("sqlite:///file.db", "sqlite:///file.db"),
    ],
)
def test_a_password_is_never_shown(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_what_is_wrong_with_an_option_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no URL of a database"):
        shown_url("database")
    with pytest.raises(UserError, match="dialects:foo"):
        run(tmp_path, plan_of(), url="foo://host/db")
    with pytest.raises(UserError, match="nsga3 needs 2 or more"):
        replace(plan_of("nsga3"), batch=1)
