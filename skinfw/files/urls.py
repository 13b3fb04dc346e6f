"""Which URLs a recipe or a table of anybody may name."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from skinfw.errors import SkinfwError

PROTOCOLS = {
    "abfs": "pip install adlfs",
    "az": "pip install adlfs",
    "gcs": "pip install gcsfs",
    "gs": "pip install gcsfs",
    "hf": "pip install huggingface-hub",
    "http": "pip install aiohttp",
    "https": "pip install aiohttp",
    "memory": "pip install 'skinfw[remote]'",
    "s3": "pip install 'skinfw[remote]'",
    "s3a": "pip install 'skinfw[remote]'",
    "zip": "pip install 'skinfw[remote]'",
}
"""What a recipe may read from, and what brings it. Others of fsspec run programs, open shells, or
write: a recipe from anybody must not."""
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://")
_LAST = re.compile(r"(?!data:).*[./]")
_SECRETS = re.compile(r"(?<=://)[^/@\s]*@|\?[^\s\"')]*")
"""In what libraries say: name and password, and signatures that a server redirects to."""


def is_url(text: str) -> bool:
    """Tell whether a text names something by a URL."""
    return _URL.match(text) is not None


def check_url(url: str) -> None:
    """Refuse a URL of a protocol that is not read, or with a password in it."""
    head, *behind = url.split("::")
    # fsspec takes a word alone for a protocol, and lets others than zip have something behind.
    if behind and (len(behind) > 1 or not head.startswith("zip://") or not _LAST.match(behind[0])):
        raise SkinfwError(
            "the URL names no folder of a zip",
            without_secrets(url),
            "two colons stand between such a folder and its zip, once, and nowhere else",
            "write zip://FOLDER::FILE.zip or zip://FOLDER::URL",
        )
    for part in filter(is_url, (head, *behind)):
        protocol = part.partition("://")[0]
        if protocol not in PROTOCOLS:
            raise SkinfwError(
                f"{protocol}:// is no protocol that skinfw reads",
                without_secrets(url),
                f"it reads {', '.join(PROTOCOLS)}",
                "write a file of this machine without file://, or copy the files to one of these",
            )
        try:
            parts = urlsplit(part)
        except ValueError as error:  # of brackets, as addresses have them
            why, cure = str(error), "write the name of the host"
            raise SkinfwError("the URL names no host", without_secrets(url), why, cure) from None
        asks = protocol.startswith("http") and (parts.username or parts.query)
        if asks or parts.password:
            raise SkinfwError(
                "the URL holds a password, a token or another question",
                f"{protocol}://{parts.hostname}",
                "every run folder would keep it",
                "name the file alone; credentials come from the environment",
            )


def without_secrets(text: str) -> str:
    """Return a text whose URLs have no passwords, and no questions, as signatures are."""
    return _SECRETS.sub("", text)
