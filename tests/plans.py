"""Plans of every kind: for each operation of the catalogue the texts that it is written in, and stages and pipes of them.

A new operation needs a row here; ``tests/laws`` says so, and then holds every law against it.
"""

from __future__ import annotations

from hypothesis import strategies as st

from proxy.core.model import Frame

SIDE = st.integers(1, 60)
GRAVITY = st.sampled_from([
    "", "/gravity/northwest", "/gravity/North", "/gravity/northEast", "/gravity/west", "/gravity/center", "/gravity/EAST",
    "/gravity/southwest", "/gravity/south", "/gravity/SouthEast",
])  # fmt: skip
BOX = st.builds("{}x{}".format, SIDE, SIDE)
PER_CENT = st.integers(-100, 100)
OPERATIONS = {
    "thumbnail": st.one_of(
        st.builds("thumbnail/!{}p".format, st.integers(0, 300)),
        st.builds("thumbnail/!{}px".format, st.integers(1, 300)),
        st.builds("thumbnail/!x{}p".format, st.integers(1, 300)),
        st.builds("thumbnail/{}x".format, SIDE),
        st.builds("thumbnail/x{}".format, SIDE),
        st.builds("thumbnail/{}{}".format, BOX, st.sampled_from(["", ">", "<", "!"])),
        st.builds("thumbnail/!{}r".format, BOX),
        st.builds("thumbnail/{}@".format, st.integers(1, 4000)),
        st.builds("thumbnail/{}/pad/1{}".format, BOX, st.sampled_from(["", "/color/I0ZGMDAwMA", "/color/IzgwODA4MA=="])),
    ),
    "crop": st.builds(
        "crop/{}{}{}".format,
        BOX | st.builds("{}x".format, SIDE) | st.builds("x{}".format, SIDE), GRAVITY,
        st.sampled_from(["", "/dx/3", "/dx/4/dy/90"]),
    ),
    "cut": st.builds("cut/{}x{}x{}{}".format, BOX, st.integers(0, 40), st.integers(0, 40), GRAVITY),
    "rcrop": st.builds("rcrop/{}x{}".format, st.integers(1, 150), st.integers(150, 10_000)),
    "indexcrop": st.builds(
        "indexcrop/{}/{}{}".format, st.sampled_from(["width", "height"]), SIDE, st.sampled_from(["", "/index/1", "/index/3"])
    ),
    "trim": st.builds("trim/{}".format, st.integers(0, 254)),
    "focus": st.builds("focus/{}".format, BOX),
    "scrop": st.builds("scrop/{}".format, BOX),
    "iradius": st.builds("iradius/{}".format, st.integers(1, 20)),
    "rradius": st.builds("rradius/{}".format, st.integers(1, 20)),
    "rotate": st.builds("rotate/{}".format, st.integers(0, 360)),
    "flip": st.sampled_from(["flip/vertical", "flip/horizontal"]),
    "auto-orient": st.sampled_from(["auto-orient", "auto-orient/1", "auto-orient/0"]),
    "blur": st.builds("blur/{}x{}".format, st.integers(1, 50), st.sampled_from(["0.2", "1", "5.25", "30", "1000000"])),
    "sharpen": st.builds("sharpen/{}".format, st.integers(10, 300)),
    "bright": st.builds("bright/{}".format, PER_CENT),
    "contrast": st.builds("contrast/{}".format, PER_CENT),
    "saturation": st.builds("saturation/{}".format, PER_CENT),
    "grayscale": st.sampled_from(["grayscale/0", "grayscale/1"]),
}  # fmt: skip
OUTPUTS = st.sampled_from([
    "format/jpg", "format/png", "format/gif", "format/webp", "format/src", "format/auto", "quality/80", "quality/60!",
    "quality/auto", "quality/auto:60", "quality/auto:90!", "rquality/50", "lquality/70", "interlace/1", "interlace/0", "strip", "strip/1", "ignore-error/1", "bogus/7",
    "dpr/2", "dpr/1.5", "format/apng", "cgif/1", "cgif/7", "size-limit/15k", "size-limit/2048K!", "size-limit/3m",
    "minsize/1", "minisize/1", "minsize/0", "AIGCMetadata/Label/MQ==", "AIGCMetadata/Label/5YWs/ProduceID/Pz8_/strip",
])  # fmt: skip
LAYING = st.builds(
    "{}{}{}{}{}".format, GRAVITY, st.sampled_from(["", "/dx/3/dy/5", "/dx/999"]), st.sampled_from(["", "/dissolve/100", "/dissolve/1"]),
    st.sampled_from(["", "/batch/1", "/batch/1/spacing/0", "/batch/1/degree/45", "/degree/270", "/degree/10", "/degree/360"]),
    st.sampled_from(["", "/scatype/1/spcent/400", "/scatype/2/spcent/1000", "/scatype/3/spcent/250"]),
)  # fmt: skip
STAGES = {
    "imageView2": st.builds(
        "imageView2/{}{}{}".format, st.integers(0, 5),
        st.builds("/w/{}".format, SIDE) | st.builds("/h/{}".format, SIDE) | st.builds("/w/{}/h/{}".format, SIDE, SIDE),
        st.sampled_from(["", "/q/80", "/q/auto:45/lq/30", "/rq/50/lq/40/interlace/1", "/format/png", "/ignore-error/1"]),
    ),
    "watermark/1": st.builds(
        "watermark/1/{}{}{}".format, st.sampled_from(["image/aHR0cDovL2IuY29zLngvbS5wbmc", "image_key/YS9iLnBuZw=="]),
        st.sampled_from(["", "/blogo/1", "/blogo/2"]), LAYING,
    ),
    "watermark/2": st.builds(
        "watermark/2/text/{}{}{}{}".format, st.sampled_from(["aGk", "5pWw5o2u5LiH6LGh", "YQpi"]),
        st.sampled_from(["", "/fill/I0ZGMDAwMA==", "/font/c2ltc3Vu5a6L5L2TLnR0Yw", "/shadow/60", "/shadow/100/fill/I0ZGMDAwMA"]),
        st.builds("/fontsize/{}".format, st.integers(1, 60)), LAYING,
    ),
    # It needs room, which the pictures here have not.
    "watermark/3": st.builds(
        "imageMogr2/thumbnail/300x260!|watermark/3/type/{}{}".format,
        st.sampled_from(["3/text/aGk", "3/text/5pWw5o2u5LiH6LGhMTIzNDU2Nzg5MDEyMw", "1/image_key/YS9iLnBuZw==", "2/image/aHR0cDovL2IuY29zLngvbS5wbmc"]),
        st.sampled_from(["", "/level/1", "/level/3", "/version/2.0"]),
    ),
}  # fmt: skip
"""Operations that fill a stage of their own."""
STAGE = st.one_of(
    st.lists(st.one_of(*OPERATIONS.values(), OUTPUTS), max_size=4).map(lambda parts: "/".join(["imageMogr2", *parts])),
    *STAGES.values(), st.just("imageSlim"),
)  # fmt: skip
PLAN = st.lists(STAGE, min_size=1, max_size=3).map("|".join)
ALONE = {**{name: texts.map("imageMogr2/{}".format) for name, texts in OPERATIONS.items()}, **STAGES}
"""Each operation as a plan of its own."""
SCALING = ("thumbnail", "crop", "focus", "imageView2")
ONE_FRAME_DECIDES = ("focus", "scrop", "trim")
STILL = ("watermark/3",)
"""Those that refuse what moves."""
FRAME = st.builds(
    Frame, width_px=SIDE, height_px=SIDE, frames=st.sampled_from([1, 1, 2, 3]), alpha=st.booleans(),
    orientation=st.sampled_from([1, 1, 2, 3, 5, 6, 7, 8]),
)  # fmt: skip
