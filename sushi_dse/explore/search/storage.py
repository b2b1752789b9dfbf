"""The storage of a study: a journal in the folder of the results, or a database."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.study import Study
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from sushi_dse.errors import UserError
from sushi_dse.explore.search.journal import Journal
from sushi_dse.explore.search.plan import Search
from sushi_dse.explore.search.study_lock import study_lock

JOURNAL_FILE = "search.journal"
CONNECT_S = 10  # timeout of connecting to PostgreSQL


@contextlib.contextmanager
def open_study(plan: Search, url: str | None = None) -> Iterator[Study]:
    """The study of a search: in a journal in its folder, or in the database at `url`.

    `UserError` where the storage cannot be used, now or while the study is open.
    """
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # Its errors are raised all the same.
    run, name = plan.run_of.hash, plan.run_of.folder_name(*plan.experiment.names)
    journal = plan.folder / JOURNAL_FILE
    with _journal(journal, run) if url is None else _database(url, name) as storage:
        yield optuna.create_study(
            storage=storage,
            study_name=name,
            directions=["maximize" if m.maximise else "minimize" for m in plan.metrics],
            load_if_exists=True,
        )


def shown_url(text: str) -> str:
    """The URL of a database with its password masked; `UserError` where it is none."""
    return _shown(_parsed(text))


@contextlib.contextmanager
def _journal(path: Path, run: str) -> Iterator[BaseStorage]:
    try:
        storage = JournalStorage(Journal(path, run))
    except (UserError, MemoryError):
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); mend that") from None
    except Exception:  # Replaying what another version of Optuna wrote may raise anything.
        raise UserError(
            f"{path}: is broken; delete it: what it held is asked again, and answered from the "
            "rows beside it"
        ) from None
    yield storage


@contextlib.contextmanager
def _database(text: str, study: str) -> Iterator[BaseStorage]:
    url = _parsed(text)
    connect = {"connect_timeout": CONNECT_S} if url.drivername.startswith("postgresql") else {}
    try:
        storage = RDBStorage(
            url.render_as_string(hide_password=False), engine_kwargs={"connect_args": connect}
        )
    except ImportError:
        raise UserError(
            f"--storage {_shown(url)}: its driver is not installed; for PostgreSQL: "
            "pip install 'sushi-dse[postgresql]'"
        ) from None
    except (SQLAlchemyError, RuntimeError) as error:  # Another version's tables: a RuntimeError.
        raise _refused(url, error) from None
    try:
        with study_lock(storage.engine, study):
            yield storage
    except (SQLAlchemyError, StorageInternalError, UpdateFinishedTrialError) as error:
        raise _refused(url, error) from None
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _parsed(text: str) -> URL:
    """The URL in `text`, with driver psycopg for PostgreSQL; `UserError` where it holds none."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise UserError(
            "--storage: is no URL of a database; postgresql://USER:PASSWORD@HOST:PORT/DATABASE is"
        ) from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    return url


def _shown(url: URL) -> str:
    """The URL without its password and without its query options, which may hold one too."""
    return url.set(query={}).render_as_string()


def _refused(url: URL, error: Exception) -> UserError:
    """The `UserError` about a database, with its password masked wherever it occurs."""
    cause = error.__cause__ or error
    reason = str(getattr(cause, "orig", None) or cause).partition("\n")[0]
    for secret in (url.password, url.query.get("password")):
        reason = reason.replace(str(secret), "***") if secret else reason
    return UserError(
        f"--storage {_shown(url)}: cannot be used ({reason}); mend that, and run the same command "
        "again"
    )
