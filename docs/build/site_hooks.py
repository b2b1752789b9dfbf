"""What the site that mkdocs builds has besides its pages: figures, Markdown, and `llms.txt`.

On a page they are linked as `../results/reference/NAME.png`, so that it also shows them where it is
read in the repository; the site has them in a folder of its own.
"""

import shutil
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
README = ROOT / "README.md"
PAGES = sorted((ROOT / "docs").glob("*.md"))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the figures to the site's files."""
    for path in sorted(REFERENCE.glob("*.png")):
        files.append(File.generated(config, f"reference/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: object) -> str:
    """Let the links to figures lead to those of the site."""
    return markdown.replace("](../results/reference/", "](reference/")


def on_post_build(config: MkDocsConfig) -> None:
    """Put the pages beside the site as Markdown, and `llms.txt`, which lists them for machines."""
    site = Path(config.site_dir)
    for page in PAGES:
        shutil.copyfile(page, site / page.name)
    (site / "llms.txt").write_text(llms_text(), encoding="utf-8")


def llms_text() -> str:
    """The list of the pages as llmstxt.org has it: each with its title and how it begins."""
    lines = []
    for page in PAGES:
        title, begins = head(page)
        lines.append(f"- [{title}]({page.name}): {begins}")
    title, begins = head(README)
    return "\n".join([f"# {title}", "", f"> {begins}", "", "## Pages", "", *lines]) + "\n"


def head(page: Path) -> tuple[str, str]:
    """The title of a page, and its first paragraph's first line."""
    text = [line for line in page.read_text(encoding="utf-8").splitlines() if line.strip()]
    title = next(line.removeprefix("# ") for line in text if line.startswith("# "))
    prose = (line for line in text if line[0] not in "#!<|`-*>")
    return title, next(prose, title)
