"""Prose that no test reads goes stale: links, example configurations and example URLs are held against the code."""

from __future__ import annotations

import re
import runpy
import textwrap
from pathlib import Path
from urllib.parse import quote

import pytest

from proxy.configuration import load
from proxy.core.grammar import parse_plan
from proxy.core.query import split_query
from proxy.ops import CATALOGUE

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "photos/PROVENANCE.md",
]
README = (ROOT / "README.md").read_text()


def name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_within_the_checkout_lead_somewhere(page):
    prose = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose)
    assert not [target for target in targets if "://" not in target and not (page.parent / target).exists()]


def test_the_tests_that_the_page_on_security_names_are_there():
    named = re.findall(r"`((?:tests|bench)/[^`]+)`", (ROOT / "docs/security-tests.md").read_text())
    assert len(named) > 25
    assert not [path for path in named if not (ROOT / path).is_file()]


def configurations():
    """Every configuration we show: the file (or page) it stands in, and its text."""
    for path in sorted((ROOT / "config").glob("*.toml")):
        yield pytest.param(path.read_text(), id=name(path))
    for page in PAGES:
        for n, text in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)):
            yield pytest.param(text, id=f"{name(page)}-{n}")
    manifest = (ROOT / "k8s/mogr.yaml").read_text()
    yield pytest.param(
        textwrap.dedent(re.search(r"mogr\.toml: \|\n(.*?)\n---", manifest, re.DOTALL)[1]), id="k8s/mogr.yaml"
    )


@pytest.mark.parametrize("text", list(configurations()))
def test_a_configuration_we_show_loads(text, tmp_path):
    """Secrets that it refers to are supplied; directories that it serves are made."""
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    for folder in re.findall(r'^store = "file:([^"/][^"]*)"', text, re.MULTILINE):
        (tmp_path / "config" / folder).mkdir(parents=True)
    environ = dict.fromkeys(re.findall(r'"env:(\w+)"', text), "s3cret")
    shown = tmp_path / "config" / "shown.toml"
    shown.parent.mkdir(exist_ok=True)
    shown.write_text(
        re.sub(r'^(\w*(?:key|token|secret)\w*) = "file:[^"]+"', rf'\1 = "file:{secret}"', text, flags=re.MULTILINE)
    )
    assert load(shown, environ=environ).buckets


def urls():
    return [cell.replace(r"\|", "|") for cell in re.findall(r"^\| `(/[^`]+)` \|", README, re.MULTILINE)]


@pytest.mark.parametrize("url", urls())
def test_a_url_of_the_readme_names_a_bundled_picture_and_parses(url):
    key, _, query = url.partition("?")
    assert (ROOT / "photos" / key.removeprefix("/")).is_file()
    asked = split_query(quote(query, safe="/!|").encode())
    assert asked.operation == (query or None)
    assert not query or parse_plan(asked.operation)


def test_the_readme_shows_enough():
    assert len(urls()) >= 10


def test_every_target_of_make_that_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)", README)) - {"sure"} <= targets


def test_the_page_of_operations_is_current():
    generator = runpy.run_path(str(ROOT / "docs/generate_operations.py"))
    assert (ROOT / "docs/operations.md").read_text() == generator["page"](), "run make docs"
    assert (ROOT / "docs/operations.html").read_text() == generator["sheet"](), "run make docs"
    for picture in re.findall(r"\(operations/([^)]+)\)", generator["page"]()):
        assert (ROOT / "docs/operations" / picture).is_file(), "run make docs"


def test_every_operation_has_its_examples():
    generator = runpy.run_path(str(ROOT / "docs/generate_operations.py"))
    assert set(generator["EXAMPLES"]) == set(CATALOGUE)
    for operation, examples in generator["EXAMPLES"].items():
        assert examples, operation
        for example in examples:
            assert (ROOT / "photos" / example.photo).is_file()
            plan = parse_plan(example.text)
            assert operation in {each.name for stage in plan.stages for each in stage.operations}
            assert all((ROOT / "photos" / need.key).is_file() for need in plan.needs)


def sections():
    """What the page of operations says, by heading."""
    page = (ROOT / "docs/operations.md").read_text()
    return dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("operation", CATALOGUE)
def test_the_page_of_operations_tells_of_every_parameter(operation):
    """What it may be, in prose; a list of names alone would tell nobody."""
    prose = re.sub(r"^Further parameters: .*$|^`/.*`$", "", sections()[operation], flags=re.MULTILINE)
    untold = [name for name in CATALOGUE[operation].modifiers if not re.search(rf"`{name}(?:`|/)", prose)]
    assert not untold
    assert "**Takes** " in prose
    assert "**Refused:** " in prose


def test_every_bundled_picture_has_its_provenance():
    listed = set(re.findall(r"^\| `([^`]+)`", (ROOT / "photos/PROVENANCE.md").read_text(), re.MULTILINE))
    assert listed == {path.name for path in (ROOT / "photos").iterdir()} - {"PROVENANCE.md"}
