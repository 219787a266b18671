"""What can be asked of a picture, one question of every kind: each hostile file is put through all of them.

``{mark}`` is the URL of the file itself, for a mark, in the encoding that watermarks want.
"""

from __future__ import annotations

OPERATIONS = {
    "thumbnail": "imageMogr2/thumbnail/100x",
    "thumbnail enlarged": "imageMogr2/thumbnail/700x700!",
    "crop": "imageMogr2/crop/50x40/gravity/center",
    "cut": "imageMogr2/cut/30x20x1x1",
    "rcrop": "imageMogr2/rcrop/80x120",
    "indexcrop": "imageMogr2/indexcrop/width/100/index/0",
    "iradius": "imageMogr2/iradius/40",
    "rradius": "imageMogr2/rradius/10",
    "scrop": "imageMogr2/scrop/60x60",
    "focus": "imageMogr2/focus/40x40",
    "trim": "imageMogr2/trim/10",
    "rotate": "imageMogr2/rotate/33",
    "flip": "imageMogr2/flip/vertical",
    "auto-orient": "imageMogr2/auto-orient/strip",
    "blur": "imageMogr2/blur/8x5",
    "sharpen": "imageMogr2/sharpen/100",
    "bright": "imageMogr2/bright/20",
    "contrast": "imageMogr2/contrast/-20",
    "saturation": "imageMogr2/saturation/40",
    "grayscale": "imageMogr2/grayscale/1",
    "imageView2": "imageView2/1/w/80/h/60/q/75",
    "watermark/1": "watermark/1/image/{mark}/scatype/1/spcent/300",
    "watermark/2": "watermark/2/text/bW9ncg/fontsize/20/batch/1/degree/30",
    "watermark/3": "watermark/3/type/3/text/bW9nckBtb2dyLmNvbQ",
    "watermark/3 with a mark": "watermark/3/type/2/image/{mark}/level/2",
    "imageSlim": "imageSlim",
    "cgif": "imageMogr2/cgif/3",
    "size-limit": "imageMogr2/format/jpg/size-limit/5k",
    "minsize": "imageMogr2/minsize/1/interlace/1/quality/50!",
    "label": "imageMogr2/format/png/AIGCMetadata/Label/MQ",
    "pipe": "imageMogr2/thumbnail/!50p|imageMogr2/rotate/90/format/webp|imageMogr2/blur/3x2/format/png",
    "auto": "imageMogr2/format/auto",
    "auto quality": "imageMogr2/format/webp/quality/auto",
}
FORMATS = {f"format/{name}": f"imageMogr2/format/{name}" for name in
           ("jpg", "png", "webp", "avif", "gif", "heif", "jxl", "tiff", "tpg", "bmp", "apng", "svgc")}  # fmt: skip
REPORTS = {
    **{name: name for name in
       ("imageInfo", "exif", "imageAve", "imageInspect", "imageAIGCMetadata", "QRcode", "blurhash", "thumbhash")},
    "watermark/4": "watermark/4/type/3",
    "watermark/4 with the original": "watermark/4/type/1/image/{mark}",
    "report behind a pipe": "imageMogr2/thumbnail/90x|imageInfo",
}  # fmt: skip
MARKS = {
    "as a mark": "watermark/1/image/{mark}/dissolve/50", "as a turned mark": "watermark/1/image/{turned}/batch/1",
    "as a hidden mark": "watermark/3/type/2/image/{mark}", "as a mark looked for": "watermark/4/type/2/image/{mark}",
}  # fmt: skip
"""Asked of a good picture, with the hostile one as the mark."""
ON_THE_FILE = OPERATIONS | FORMATS | REPORTS
