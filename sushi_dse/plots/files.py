"""Figures to files: whole or not at all, and the same figure to the same bytes."""

import hashlib
import io
import os
from importlib.util import find_spec
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from sushi_dse.errors import UserError
from sushi_dse.files import file_bytes, write_whole
from sushi_dse.plots.style import any_script

DOTS_PER_INCH = 200
HTML = ".html"
PLOTLY = "plotly.min.js"  # what pages load, from their own folder
METADATA: dict[str, dict[str, None]] = {  # by suffix: dates and versions would change the bytes
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def is_page(path: Path) -> bool:
    """Whether `path` is of an HTML page rather than of a picture."""
    return path.suffix.lower() == HTML


def check_plot_file(path: Path) -> None:
    """Raise `UserError` where `path` can hold no plot, before anything is computed for it.

    That is of another suffix, of a folder that is not there, or a page without plotly to draw it.
    """
    if path.suffix.lower() not in (*METADATA, HTML):
        known = ", ".join((*METADATA, HTML))
        raise UserError(f"{path}: cannot draw to this kind of file; known: {known}")
    if not path.parent.is_dir():
        raise UserError(f"{path}: cannot be written: {path.parent} is no folder; make it first")
    if is_page(path) and find_spec("plotly") is None:
        raise UserError(f"{path}: a page needs plotly; pip install 'sushi-dse[html]'")


def save_figure(figure: Figure, path: Path) -> None:
    """Write `figure` to `path`, as PNG, SVG or PDF by its suffix.

    `UserError` for another suffix, or where the file cannot be written.
    """
    check_plot_file(path)
    suffix = path.suffix.lower()
    if suffix not in METADATA:
        raise UserError(f"{path}: is no picture; known: {', '.join(METADATA)}")
    content = io.BytesIO()
    # Without a salt of ours the ids in an SVG are random.
    with mpl.rc_context({"svg.hashsalt": "sushi-dse"}), any_script():
        figure.savefig(content, format=suffix[1:], metadata=METADATA[suffix], dpi=DOTS_PER_INCH)
    _write(path, content.getvalue())


def save_page(path: Path, text: str) -> None:
    """Write a page to `path`, and beside it the copy of plotly.js that it loads.

    A file of that name that is another stays, and the copy gets a name by its content.  `UserError`
    without plotly, or where a file cannot be written.
    """
    check_plot_file(path)
    from plotly.offline import get_plotlyjs

    script = get_plotlyjs().encode()
    named = f"plotly-{hashlib.sha256(script).hexdigest()[:16]}.min.js"
    for name in (PLOTLY, named):
        beside = path.with_name(name)
        if not os.path.lexists(beside):
            _write(beside, script)
        if beside.is_file() and file_bytes(beside) == script:
            break
    else:
        raise UserError(f"{beside}: is not what the page needs; move it, or choose another folder")
    text = text.replace(f'<script src="{PLOTLY}">', f'<script src="{name}">')
    _write(path, text.encode(errors="xmlcharrefreplace"))  # a path may hold any bytes


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror}); choose another") from None
