"""What may stay of an SVG that is to be harmless: everything that draws or moves, nothing that runs, loads or links out.

Elements of SVG 1.1, SVG 2 and Filter Effects 1; attributes of the same.  What is not named here goes, with all in it.
"""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXTUAL: Final = _words("text tspan textPath title desc")
"""Elements whose characters are shown, or read out; elsewhere they are not."""
ANIMATIONS: Final = _words("animate animateMotion animateTransform set")
ELEMENTS: Final = (
    _words(
        """
        svg g defs symbol use switch a style view marker pattern clipPath mask linearGradient radialGradient stop
        path rect circle ellipse line polyline polygon image mpath
        filter feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap
        feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode
        feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence
        """
    )
    | TEXTUAL
    | ANIMATIONS
)
PICTURES: Final = _words("image feImage")
"""Elements that may show a picture out of a ``data:`` URL."""

_PRESENTATION: Final = _words(
    """
    alignment-baseline baseline-shift clip clip-path clip-rule color color-interpolation color-interpolation-filters
    color-rendering cx cy d direction display dominant-baseline fill fill-opacity fill-rule filter flood-color
    flood-opacity font font-family font-feature-settings font-kerning font-size font-size-adjust font-stretch font-style
    font-variant font-variation-settings font-weight glyph-orientation-horizontal glyph-orientation-vertical height
    image-rendering isolation kerning letter-spacing lighting-color line-height marker marker-end marker-mid marker-start
    mask mask-type mix-blend-mode opacity overflow paint-order pointer-events r rx ry shape-rendering stop-color
    stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity
    stroke-width text-anchor text-decoration text-orientation text-overflow text-rendering transform transform-box
    transform-origin unicode-bidi vector-effect visibility white-space width word-spacing writing-mode x y
    """
)
_GEOMETRY: Final = _words(
    """
    amplitude azimuth baseFrequency bias clipPathUnits diffuseConstant divisor dx dy edgeMode elevation exponent
    filterUnits fr fx fy gradientTransform gradientUnits in in2 intercept k1 k2 k3 k4 kernelMatrix kernelUnitLength
    lengthAdjust limitingConeAngle markerHeight markerUnits markerWidth maskContentUnits maskUnits method mode numOctaves
    offset operator order orient origin path pathLength patternContentUnits patternTransform patternUnits points
    pointsAtX pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits radius refX refY result rotate scale
    seed side slope spacing specularConstant specularExponent spreadMethod startOffset stdDeviation stitchTiles
    surfaceScale tableValues targetX targetY textLength viewBox x1 x2 xChannelSelector y1 y2 yChannelSelector z
    """
)
_TIMING: Final = _words(
    """
    accumulate additive attributeName attributeType begin by calcMode dur end fill from keyPoints keySplines keyTimes max
    min repeatCount repeatDur restart to type values
    """
)
ANIMATED: Final = _PRESENTATION | _GEOMETRY
"""What an animation may change: neither where something points, nor what runs."""
ATTRIBUTES: Final = (
    _PRESENTATION
    | _GEOMETRY
    | _TIMING
    | _words("class id lang media requiredExtensions requiredFeatures role systemLanguage")
)
FREE: Final = _words("class id lang role systemLanguage requiredExtensions requiredFeatures")
"""Attributes that are names or prose, which is never looked at for functions."""
NAMED: Final = re.compile(r"(?:aria|data)-[a-z0-9._-]{1,100}", re.ASCII)
"""For those who read the picture out, and for selectors of its style sheet."""

FUNCTIONS: Final = _words(
    """
    matrix matrix3d translate translatex translatey translatez translate3d scale scalex scaley scalez scale3d rotate
    rotatex rotatey rotatez rotate3d skew skewx skewy perspective
    rgb rgba hsl hsla hwb lab lch oklab oklch color color-mix light-dark icc-color device-cmyk
    calc min max clamp round abs sign mod rem sin cos tan asin acos atan atan2 pow sqrt hypot log exp var
    cubic-bezier steps linear linear-gradient radial-gradient conic-gradient
    repeating-linear-gradient repeating-radial-gradient repeating-conic-gradient
    blur brightness contrast drop-shadow grayscale hue-rotate invert opacity saturate sepia
    circle ellipse inset polygon path rect xywh ray local format tech
    """
)
"""Of CSS, in lower case: those that neither load nor run anything.  ``url`` is looked at for itself."""
SELECTORS: Final = _words("not is where has nth-child nth-last-child nth-of-type nth-last-of-type lang root dir")
