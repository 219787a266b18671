"""What a device says of itself, where the bucket listens and the URL asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pictures import jpeg, opened
from servers.mogr import Mogr

BUCKET = "test-1250000000"


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    styles = {"fluid": "imageMogr2/thumbnail/auto/format/auto"}
    server = Mogr(tmp_path_factory.mktemp("hints"), {"buckets": {BUCKET: {"client_hints": True, "styles": styles}}})
    server.put("a.jpg", jpeg(1600, 900, quality=90))
    with server:
        yield server


@pytest.mark.parametrize(("query", "said", "width_px", "vary", "asked"), [
    ("imageMogr2/thumbnail/200x/dpr/auto", {"Sec_CH_DPR": "2"}, 400, "Sec-CH-DPR", "Sec-CH-DPR"),
    ("imageMogr2/thumbnail/200x/dpr/auto", {"Sec_CH_DPR": "1.3"}, 300, "Sec-CH-DPR", "Sec-CH-DPR"),
    ("imageMogr2/thumbnail/200x/dpr/auto", {"Sec_CH_DPR": "soon"}, 200, "Sec-CH-DPR", "Sec-CH-DPR"),
    ("imageMogr2/thumbnail/200x/dpr/auto", {}, 200, "Sec-CH-DPR", "Sec-CH-DPR"),
    ("imageMogr2/thumbnail/auto", {"Sec_CH_Width": "500", "Sec_CH_DPR": "2"}, 640, "Sec-CH-Width", "Sec-CH-Width"),
    ("imageMogr2/thumbnail/auto", {"Sec_CH_Width": "5000"}, 1600, "Sec-CH-Width", "Sec-CH-Width"),
    ("imageMogr2/thumbnail/auto", {}, 1600, "Sec-CH-Width", "Sec-CH-Width"),
    ("fluid", {"Sec_CH_Width": "300"}, 320, "Accept, Sec-CH-Width, Save-Data", "Sec-CH-Width"),
    ("imageMogr2/thumbnail/200x", {"Sec_CH_DPR": "2", "Sec_CH_Width": "9", "Save_Data": "on"}, 200, None, None),
    ("imageMogr2/thumbnail/200x/format/auto", {"Save_Data": "on"}, 200, "Accept, Save-Data", None),
])  # fmt: skip
def test_what_the_url_asks_for_is_followed_and_named(
    listening: Mogr, query: str, said: dict[str, str], width_px: int, vary: str | None, asked: str | None
) -> None:
    answer = listening.get(f"/a.jpg?{query}", **said)
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).width == width_px
    assert (answer.headers.get("vary"), answer.headers.get("accept-ch")) == (vary, asked)
    assert listening.get(f"/nosuch.jpg?{query}", **said).headers.get("vary") == vary


def test_saving_data_saves_data(listening: Mogr) -> None:
    target = "/a.jpg?imageMogr2/thumbnail/800x/format/auto"
    full, thrifty = listening.get(target), listening.get(target, Save_Data="on")
    assert len(thrifty.content) < 0.7 * len(full.content)
    insisted = listening.get(target + "/quality/90!", Save_Data="on")
    assert insisted.content == listening.get(target + "/quality/90!").content


def test_many_devices_are_few_variants(listening: Mogr) -> None:
    answers = [listening.get("/a.jpg?imageMogr2/thumbnail/auto", Sec_CH_Width=str(px)) for px in range(321, 481, 40)]
    assert len({answer.headers["etag"] for answer in answers}) == 1


def test_a_bucket_that_does_not_listen_says_so(start: Callable[..., Mogr]) -> None:
    server = start(files={"a.jpg": jpeg()})
    for query in ("imageMogr2/thumbnail/200x/dpr/auto", "imageMogr2/thumbnail/auto"):
        assert server.get(f"/a.jpg?{query}").status_code == 400
    plain = server.get("/a.jpg?imageMogr2/thumbnail/200x/format/auto", Save_Data="on", Sec_CH_DPR="2")
    assert (plain.headers["vary"], plain.headers.get("accept-ch")) == ("Accept", None)
