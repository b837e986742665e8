"""Where each page stands, as a path below the site's folder."""

INDEX = "index.html"
STYLE = "style.css"
RAW = "contracts/"
"""Folder with the documents themselves, byte for byte."""


def topic_page(channel: str) -> str:
    """The page of a channel."""
    return f"topics/{channel}.html"


def message_page(name: str) -> str:
    """The page of a type of message, of a token, or of an envelope."""
    return f"messages/{name}.html"


def guide_page(file: str) -> str:
    """The page of a file of the repository, by its path there."""
    return f"guides/{file}.html"
