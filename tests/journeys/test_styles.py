"""Operations that a bucket knows by name, on a real server: the truth table's style cases, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pictures import animated, jpeg, opened
from servers.mogr import Mogr

TABLE = Path(__file__).resolve().parents[3] / "shared/spec/conformance_cases.json"
STYLES = {
    "small": "imageMogr2/thumbnail/!50p",
    "square": "imageView2/1/w/100/h/100/q/80",
    "auto": "imageMogr2/thumbnail/200x/format/auto",
    "nine": "|".join(["imageMogr2/thumbnail/!90p"] * 9),
}
BUCKET = "test-1250000000"


def cases() -> Iterator[Any]:
    if not TABLE.exists():
        yield pytest.param(None, marks=pytest.mark.skip(reason="needs ../shared/spec/conformance_cases.json"))
        return
    for case in json.loads(TABLE.read_text())["cases"]:
        if case["id"].startswith("style-"):
            yield pytest.param(case, id=case["id"])


@pytest.fixture(scope="module")
def styled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    settings = {"buckets": {BUCKET: {"styles": STYLES, "style_separators": "!/"}}, "codec": {"workers": 2}}
    server = Mogr(tmp_path_factory.mktemp("styled"), settings)
    server.put("a.jpg", jpeg())
    server.put("wave.gif", animated())
    server.put("own.jpg!small", jpeg(60, 40))
    server.put("own.jpg", jpeg())
    with server:
        yield server


@pytest.mark.parametrize("case", list(cases()))
def test_case(styled: Mogr, case: dict[str, Any]) -> None:
    operation = case["op"]
    target = operation.split()[1] if operation.startswith("GET ") else f"/a.jpg?{operation}"
    answer, want = styled.get(target), case["expect"]
    assert answer.status_code == want["status"], answer.text
    if want["status"] == 200:
        assert opened(answer.content).size == (want["w"], want["h"])


@pytest.mark.parametrize(("target", "size"), [
    ("/a.jpg!square", (100, 100)),
    ("/a.jpg?square", (100, 100)),
    ("/a.jpg?style/square", (100, 100)),
    ("/a.jpg!small?imageView2/1/w/30", (30, 30)),
    ("/a.jpg!nine?imageMogr2/rotate/90", (210, 373)),
    ("/own.jpg!small", (60, 40)),             # the object of that very key wins
    ("/own.jpg?small", (480, 270)),
])  # fmt: skip
def test_styles_paint_what_their_operations_do(styled: Mogr, target: str, size: tuple[int, int]) -> None:
    answer = styled.get(target)
    assert answer.status_code == 200, answer.text
    got = opened(answer.content).size
    assert max(abs(a - b) for a, b in zip(got, size, strict=True)) <= 3


def test_an_eleventh_stage_is_one_too_many(styled: Mogr) -> None:
    answer = styled.get("/a.jpg!nine?imageMogr2/rotate/90|imageMogr2/strip")
    assert answer.status_code == 400
    assert "more than 10 stages" in answer.text


def test_a_path_names_one_style(styled: Mogr) -> None:
    assert styled.get("/a.jpg/small!square").status_code == 404


def test_an_unknown_style_says_so(styled: Mogr) -> None:
    missing, wrong = styled.get("/a.jpg!nosuch"), styled.get("/a.jpg?style/nosuch")
    assert (missing.status_code, missing.headers["x-errno"]) == (404, "-6101")
    assert (wrong.status_code, wrong.headers["x-errno"]) == (400, "-105")
    assert styled.get("/a.jpg?nosuch").content == jpeg()


def test_a_style_that_negotiates_varies_and_shares_its_results(styled: Mogr) -> None:
    webp = styled.get("/a.jpg!auto", Accept="image/webp")
    assert (webp.headers["content-type"], webp.headers["vary"]) == ("image/webp", "Accept")
    again = styled.get(f"/a.jpg?{STYLES['auto']}", Accept="image/webp")
    assert again.headers["etag"] == webp.headers["etag"]
    assert "hit" in again.headers["cache-status"]
    assert styled.get("/nosuch.jpg!auto").headers["vary"] == "Accept"


def test_animations_stay_animations(styled: Mogr) -> None:
    picture = opened(styled.get("/wave.gif!square").content)
    assert (picture.size, picture.n_frames) == ((100, 100), 5)


def test_a_hit_on_a_style_asks_the_origin_nothing(start: Callable[..., Mogr]) -> None:
    origin = start(files={"a.jpg": jpeg()})
    settings = {"buckets": {BUCKET: {"store": origin.url + "/", "allow_private": True, "styles": STYLES}}}
    server = start(settings)
    first, second = server.get("/a.jpg!small"), server.get("/a.jpg!small")
    asked = origin.metric("mogr_requests_total")
    for _ in range(5):
        assert server.get("/a.jpg!small").headers["cache-status"] == "mogr; hit; detail=memory"
    assert origin.metric("mogr_requests_total") == asked
    assert first.content == second.content
    assert opened(first.content).size == (480, 270)


def test_styles_can_be_changed_while_the_server_runs(start: Callable[..., Mogr]) -> None:
    server = start({"buckets": {BUCKET: {"styles": {"s": "imageMogr2/thumbnail/100x"}}}}, {"a.jpg": jpeg()})
    assert opened(server.get("/a.jpg!s").content).width == 100
    server.change({"buckets": {BUCKET: {"styles": {"s": "imageMogr2/thumbnail/120x"}}}})
    server.reload()
    assert opened(server.get("/a.jpg!s").content).width == 120
