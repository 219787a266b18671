"""What every part of the settings tree is made of."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Branch(BaseModel):
    """Frozen, and an unknown key is an error.  The text below a key describes it in docs/configuration.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)
