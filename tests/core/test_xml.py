from __future__ import annotations

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from proxy.core.xml import document, element, text


@given(st.text())
def test_any_text_makes_a_well_formed_document(said: str) -> None:
    root = ET.fromstring(document(element("Response", element("CodeUrl", text(said)))))
    read = root.findtext("CodeUrl")
    allowed = "".join(c if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff") else "\ufffd" for c in said)
    assert read == allowed.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\r\n", "\n").replace(
        "\r", "\n"
    )
