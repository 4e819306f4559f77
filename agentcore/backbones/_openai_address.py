"""Reading ``model@base_url``, and finding the key."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from agentcore.backbones.errors import AddressError

DEFAULT_URL = "https://api.openai.com/v1"
KEY_VARIABLES = ("AGENTCORE_API_KEY", "OPENAI_API_KEY")
KEY_OPTIONS = frozenset({"api_key", "openai_api_key"})  # what other libraries call it

_ADDRESS = re.compile(r"(?P<model>.+?)@(?P<url>[a-z][a-z0-9+.-]*://.*)", re.IGNORECASE | re.DOTALL)
# What stands behind an @ and can be no part of a model's name: without its scheme it would be asked of OpenAI.
_HOST = re.compile(
    r"(?P<model>.+)@(?P<host>(?:localhost|[\w.-]+:\d+|\d+(?:\.\d+){3}|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,})(?::\d+)?(?:/.*)?)",
    re.IGNORECASE,
)

__all__ = ["DEFAULT_URL", "KEY_OPTIONS", "KEY_VARIABLES", "clean_url", "find_key", "read_address"]


def read_address(address: str) -> tuple[str, str]:
    """Return (model, base URL) of ``model@base_url`` or ``model``.

    A model's name may hold an ``@`` of its own. Without a URL, ``OPENAI_BASE_URL`` or OpenAI's own is used.

    Raises
    ------
    AddressError
        There is no model, or the URL is none that can be used.
    """
    match = _ADDRESS.fullmatch(address.strip())
    model = match["model"] if match else address.strip()
    url = match["url"] if match else os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL
    if match is None and (host := _HOST.fullmatch(model)):
        wanted = f"openai:{host['model']}@http://{host['host']}"
        raise AddressError(f"{address!r} has an address without http:// or https://: write {wanted}")
    if not model or model.endswith("@") or "://" in model:
        raise AddressError(f"{address!r} names no model: write it as openai:model@http://host:port/v1")
    return model, clean_url(url)


def clean_url(url: str) -> str:
    """Return the address of an API, with the usual ``/v1`` where it has no path.

    Raises
    ------
    AddressError
        Not http or https, no host, or a user name in it (a key in an address would end up in logs).
    """
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise AddressError(f"{url!r} is no address: write it as http://host:port/v1") from exc
    if parts.username or parts.password:
        raise AddressError(
            f"the address of {host} holds a user name or key: leave it out and set {KEY_VARIABLES[0]}"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise AddressError(f"{url!r} is no address: write it as http://host:port/v1")
    if parts.query or parts.fragment:
        raise AddressError(f"{url!r} has a query or a fragment: leave it out")
    path = parts.path.rstrip("/").removesuffix("/chat/completions") or "/v1"
    return f"{parts.scheme}://{parts.netloc}{path}"


def find_key() -> str:
    """Return the key out of the environment, or an empty string: many local servers want none."""
    return next((key for name in KEY_VARIABLES if (key := os.environ.get(name, "").strip())), "")
