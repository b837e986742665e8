"""Events are kept without the manifest that they embed where it stands, or comes again, anyway."""

_EMPTY = '"manifest":""'


def without_manifest(event: str, manifest: str) -> str:
    """The event's text with the manifest taken out; unchanged where it does not embed this one."""
    return event.replace(f'"manifest":"{manifest}"', _EMPTY, 1)


def with_manifest(event: str, manifest: str) -> str:
    """The event's text as it was said, byte for byte; unchanged where nothing was taken out."""
    return event.replace(_EMPTY, f'"manifest":"{manifest}"', 1)
