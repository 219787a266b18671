"""What this build is made of, down to the codecs inside the wheels as far as they tell: whoever reads advisories needs it."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping
from types import MappingProxyType

import PIL
import pyvips
from PIL import _avif, features

import proxy
from proxy.codec import avs2, codes, faces, pillow
from proxy.codec.blind import waves


def _inside_pillow() -> dict[str, str]:
    """Libavif tells what is in it as ``dav1d [dec]:1.5.3-0-gb546257, aom [enc]:3.14.1``."""
    names = {"libjpeg_turbo": "libjpeg_turbo", "libwebp": "webp", "libavif": "avif"}
    told = {name: features.version(name_) for name, name_ in names.items() if features.check(name_)}
    if "libavif" in told:
        told |= dict(re.findall(r"(\w+)[^:,]*:([\w.]+)", str(_avif.codec_versions())))
    return {f"pillow_{name}": str(version) for name, version in told.items() if version}


def _inside_pillow_heif() -> dict[str, str]:
    """pillow-heif and what is in it, told as in ``x265 HEVC encoder (4.3+1-e9b8812)``."""
    if pillow.heif is None:
        return {}
    told = pillow.heif.libheif_info()
    coders = {**told["encoders"], **told["decoders"]}
    found = {name: re.search(r"\d+(\.\d+)+", str(text)) for name, text in coders.items()}
    parts = {f"pillow_heif_{name}": match[0] for name, match in found.items() if match}
    return {"pillow_heif": pillow.heif.__version__, "pillow_heif_libheif": str(told["libheif"]), **parts}


def _inside_pillow_jxl() -> dict[str, str]:
    """The plugin, and libjxl by the list of materials in its wheel."""
    if pillow.jxl is None:
        return {}
    plugin = importlib.metadata.distribution("pillow-jxl-plugin")
    found = re.search(r"libjxl-(\d[\d.]*\d)", plugin.read_text("sboms/pillow-jxl-plugin.cyclonedx.json") or "")
    return {"pillow_jxl": plugin.version, **({"pillow_jxl_libjxl": found[1]} if found else {})}


def _inside_imageio_ffmpeg() -> dict[str, str]:
    """The wheel, and FFmpeg by the name of the file, ``ffmpeg-linux-x86_64-v9.0.2``."""
    path = avs2.program()
    if path is None:
        return {}
    found = re.search(r"-v(\d[\d.]*\d)", path.name)
    parts = {"imageio_ffmpeg_ffmpeg": found[1]} if found else {}
    return {"imageio_ffmpeg": importlib.metadata.version("imageio-ffmpeg"), **parts}


# Read on import: a confined process may not look into files any more.  libvips' wheel tells of no part but itself.
VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        "mogr": proxy.__version__,
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
        "pyvips": importlib.metadata.version("pyvips"),
        "pillow": PIL.__version__,
        "tinycss2": importlib.metadata.version("tinycss2"),
        **_inside_pillow(),
        **_inside_pillow_heif(),
        **_inside_pillow_jxl(),
        **_inside_imageio_ffmpeg(),
        **({"zxing_cpp": importlib.metadata.version("zxing-cpp")} if codes.zxing is not None else {}),
        **({"numpy": waves.np.__version__} if waves.np is not None else {}),
        **({"opencv": faces.cv2.__version__} if faces.cv2 is not None else {}),
    }
)
"""By names that can be labels of a metric."""
