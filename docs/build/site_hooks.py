"""The figures of `results/reference` in the site that mkdocs builds.

On a page they are linked as `../results/reference/NAME.png`, so that it also shows them where it is
read in the repository; the site has them in a folder of its own.
"""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

REFERENCE = Path(__file__).parents[2] / "results" / "reference"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the figures to the site's files."""
    for path in sorted(REFERENCE.glob("*.png")):
        files.append(File.generated(config, f"reference/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Let the links to figures lead to those of the site."""
    return markdown.replace("](../results/reference/", "](reference/")
