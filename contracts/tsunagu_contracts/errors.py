"""The one exception with which domain, contracts and use cases refuse something for a stated reason."""

from collections.abc import Mapping

from tsunagu_contracts.codes import RefusalCode


class Refusal(Exception):
    """Something was refused; `code` is stable and `detail` names what, with ids and codes only.

    Nothing personal may enter `detail`: it travels into events, problems and logs.
    """

    def __init__(self, code: RefusalCode, **detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail: Mapping[str, str] = detail

    def __str__(self) -> str:
        parts = " ".join(f"{name}={value}" for name, value in self.detail.items())
        return f"{self.code.value} {parts}".rstrip()
