"""Text is drawn from files that we know, as it stands, whatever it holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import proxy
from proxy.codec import fonts
from proxy.codec.process import ENVIRONMENT
from proxy.codec.text import draw
from proxy.errors import InvalidArgument

BUNDLED = Path(proxy.__file__).parent / "fonts"


def size(text: str, font: str = "tahoma.ttf", size_px: float = 20) -> tuple[int, int]:
    drawn = draw(text, font=font, size_px=size_px)
    return drawn.width, drawn.height


def test_what_is_drawn_is_coverage() -> None:
    drawn = draw("Hg", font="tahoma.ttf", size_px=40)
    assert (drawn.bands, drawn.format, drawn.interpretation) == (1, "uchar", "b-w")
    assert (drawn.min(), drawn.max()) == (0, 255)
    # The capital is 0.7 em high, the tail of the other letter 0.2.
    assert drawn.height == pytest.approx(0.9 * 40, abs=3)


def test_twice_the_size_is_twice_the_size() -> None:
    once, twice = size("The same text", size_px=40), size("The same text", size_px=80)
    assert twice == pytest.approx((2 * once[0], 2 * once[1]), abs=3)


@pytest.mark.parametrize(
    "text", ["<b>x</b>", "&amp;", "<span size='1000pt'>", "&", "<", "</span>", "]]>", "&#65;", "'\""]
)
def test_markup_is_text(text: str) -> None:
    assert size(text)[0] > size(text[:-1] or " x")[0] or len(text) == 1
    assert size(text)[1] < 40


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
@settings(max_examples=80)
def test_any_text_is_drawn_or_refused_as_the_clients_fault(text: str) -> None:
    try:
        drawn_px = size(text)
    except InvalidArgument:
        return
    assert min(drawn_px) >= 1


@pytest.mark.parametrize("text", [" ", "\u3000", "\u200b", "\u00ad", "x" * 4000])
def test_what_cannot_be_seen_or_is_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="text: "):
        draw(text, font="tahoma.ttf", size_px=20)


@pytest.mark.parametrize(
    "name", ["tahoma.ttf", "arial.ttf", "helvetica.dfont", "helveticaneue.dfont", "nonsense", "", "../x"]
)
def test_plain_and_unknown_names_mean_the_default(name: str) -> None:
    assert fonts.description(name) == fonts.description("tahoma.ttf")


@pytest.mark.parametrize(("name", "family"), [
    ("ariblk.ttf", "Liberation Sans,Noto Sans CJK SC, Bold"), ("ahronbd.ttf", "Liberation Sans,Noto Sans CJK SC, Bold"),
    ("simhei黑体.ttf", "Noto Sans CJK SC,Liberation Sans,"), ("simhei.ttf", "Noto Sans CJK SC,Liberation Sans,"),
    ("stheiti light华文黑体.ttc", "Noto Sans CJK SC,Liberation Sans,"), ("幼圆.ttf", "Noto Sans CJK SC,Liberation Sans,"),
    ("stheiti medium.ttc", "Noto Sans CJK SC,Liberation Sans, Bold"),
    ("simsun宋体.ttc", "Noto Serif CJK SC,Noto Sans CJK SC,Liberation Sans,"),
    ("simfang仿宋.ttf", "Noto Serif CJK SC,Noto Sans CJK SC,Liberation Sans,"),
    ("simkai楷体.ttf", "Noto Serif CJK SC,Noto Sans CJK SC,Liberation Sans,"),
])  # fmt: skip
def test_the_names_of_ci_mean_open_fonts(name: str, family: str) -> None:
    assert fonts.description(name) == family


def test_a_bold_font_is_bolder() -> None:
    def ink(font: str) -> float:
        drawn = draw("mmmm", font=font, size_px=60)
        return drawn.avg() * drawn.width * drawn.height

    assert ink("ariblk.ttf") > 1.3 * ink("arial.ttf")


def test_chinese_is_drawn_where_debians_fonts_are() -> None:
    if not any("CJK" in path.name for path in fonts.files()):
        pytest.skip("needs Debian's package fonts-noto-cjk")
    shapes = {draw(text, font="simsun宋体.ttc", size_px=60).avg() for text in "数据万象"}
    assert len(shapes) == 4, "a font that lacks them draws the same empty box"
    assert draw("数", font="simsun.ttc", size_px=60).avg() != draw("数", font="simhei.ttf", size_px=60).avg()


PROGRAM = """
import sys
from pathlib import Path
from proxy.codec import fonts
fonts.add([Path(each) for each in sys.argv[1:]])
from proxy.codec.text import draw
for name in ("brand.ttf", "arial.ttf"):
    drawn = draw("mmmm", font=name, size_px=60)
    print(fonts.description(name), drawn.width)
print(len(fonts.files()))
"""


def test_configured_files_are_known_by_their_names(tmp_path: Path) -> None:
    shutil.copy(BUNDLED / "LiberationSans-Bold.ttf", tmp_path / "Brand.ttf")
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    (tmp_path / "README.txt").write_text("no font either")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(tmp_path / "absent.otf")]
    said = subprocess.run(command, capture_output=True, check=True, env={**ENVIRONMENT}, text=True, cwd="/")
    brand, arial, known = said.stdout.splitlines()
    assert brand.startswith("Liberation Sans,Liberation Sans,Noto Sans CJK SC, Bold ")
    assert int(brand.split()[-1]) > int(arial.split()[-1])
    assert int(known) == len(fonts.files()) + 1
    assert said.stderr == "", "fontconfig finds nothing to complain of"


def test_the_fingerprint_follows_the_files(tmp_path: Path) -> None:
    before = fonts.fingerprint([tmp_path])
    assert before == fonts.fingerprint([])
    shutil.copy(BUNDLED / "LiberationSans-Bold.ttf", tmp_path / "Brand.ttf")
    after = fonts.fingerprint([tmp_path])
    assert after != before
    os.truncate(tmp_path / "Brand.ttf", 1000)
    assert fonts.fingerprint([tmp_path]) not in (before, after)


def test_the_bundled_fonts_are_few_bytes_and_their_licence_lies_beside_them() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 1_000_000
    assert "SIL OPEN FONT LICENSE" in (BUNDLED / "LICENSE").read_text()
    assert {path for path in fonts.files() if path.parent == BUNDLED} == set(BUNDLED.glob("*.ttf"))
