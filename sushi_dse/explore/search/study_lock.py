"""The lock on a study in a database, which ends with the connection or process that holds it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from sushi_dse.errors import UserError
from sushi_dse.store.lock import lock

# Statements that take a lock of the session, and are true where they did.
STATEMENTS = {
    "postgresql": "SELECT pg_try_advisory_lock(:number)",
    "mysql": "SELECT GET_LOCK(:name, 0)",
    "mariadb": "SELECT GET_LOCK(:name, 0)",
}
USED = "another search uses this study; wait for its end, and run the same command again"


@contextmanager
def study_lock(engine: Engine, study: str) -> Iterator[None]:
    """Within the context no other search uses the study of that name.

    `UserError` where one does, or the database has no such lock; an error of SQLAlchemy where it
    does not answer.
    """
    digest = hashlib.sha256(study.encode())
    kind, file = engine.dialect.name, engine.url.database
    if kind == "sqlite":
        if file in (None, "", ":memory:"):  # No other process sees it.
            yield
            return
        held = lock(Path(f"{file}.{digest.hexdigest()[:16]}.lock"))
        if held is None:
            raise UserError(USED)
        with held:
            yield
        return
    if kind not in STATEMENTS:
        raise UserError(f"--storage: {kind} has no lock for a study; take postgresql")
    number = int.from_bytes(digest.digest()[:8], signed=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        asked = {"number": number} if kind == "postgresql" else {"name": digest.hexdigest()[:60]}
        if not connection.execute(text(STATEMENTS[kind]), asked).scalar():
            raise UserError(USED)
        try:
            yield
        finally:
            connection.invalidate()  # The lock ends with the session, which the pool would keep.
