"""What can go wrong for an agency's software: what happened, what was kept, what to do next, in two languages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tsunagu_contracts.codes import RefusalCode
from tsunagu_contracts.problems import TELLINGS


class AgencyError(Exception):
    """Something did not happen; `kept` says what is safe, `next` what to do. Nothing personal is in it."""

    def __init__(self, ja: str, en: str, *, kept: str, next: str) -> None:  # noqa: A002 - the word of problems.py
        super().__init__(f"{ja} / {en}\n  kept: {kept}\n  next: {next}")
        self.ja = ja
        self.en = en
        self.kept = kept
        self.next = next


class ConfigurationError(AgencyError):
    """A file that the client needs is missing or unusable."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"設定を読めません: {path} ({why})",
            f"cannot read the configuration: {path} ({why})",
            kept="nothing was sent or changed",
            next="check the folder that was given to AgencyClient.from_folder",
        )
        self.path = path


class NoHandleLeftError(AgencyError):
    """No blank handle is left in the key store; without one nothing can be sealed."""

    def __init__(self) -> None:
        super().__init__(
            "白紙のハンドルがありません",
            "no blank handle is left",
            kept="nothing was sealed",
            next="call keep_handles() while online, then seal again",
        )


class NotPublishedError(AgencyError):
    """Kafka did not acknowledge a message; whether it arrived is unknown."""

    def __init__(self, message_id: str, reason: str) -> None:
        super().__init__(
            f"Kafkaから受領の応答がありません ({reason})",
            f"Kafka has not acknowledged the message ({reason})",
            kept=f"message {message_id} is unchanged in the caller's hands",
            next="publish or submit the same bytes again: under one message id it takes effect once",
        )
        self.message_id = message_id
        self.reason = reason


class QueueFullError(AgencyError):
    """The offline queue has reached its bound; `messages` and `size` (bytes) say what waits in it."""

    def __init__(self, message_id: str, messages: int, size: int) -> None:
        super().__init__(
            f"送信待ちがいっぱいです ({messages} 件, {size} バイト)",
            f"the offline queue is full ({messages} messages, {size} bytes)",
            kept=f"all {messages} messages queued before; message {message_id} is unchanged in the caller's hands",
            next="drain() while online and put the same message again, or open the queue with larger QueueLimits",
        )
        self.message_id = message_id
        self.messages = messages
        self.size = size


class QueueFileError(AgencyError):
    """The file of the offline queue cannot be used; `reason` is SQLite's name of the fault, `SQLITE_FULL` say."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"送信待ちのファイルを使えません: {path} ({reason})",
            f"cannot use the file of the offline queue: {path} ({reason})",
            kept="every message whose put() returned stays in the file; what this call was to do is not done",
            next="see to the disk (space, permissions, health), then make the same call again; do not delete the file",
        )
        self.path = path
        self.reason = reason


class BookFileError(AgencyError):
    """The file of the agency's record book cannot be used; `reason` is SQLite's name of the fault."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"記録簿のファイルを使えません: {path} ({reason})",
            f"cannot use the file of the record book: {path} ({reason})",
            kept="every record that was written stays in the file; what this call was to do is not done",
            next="see to the disk (space, permissions, health), then make the same call again; do not delete the file",
        )
        self.path = path
        self.reason = reason


class UnreachableError(AgencyError):
    """A service did not answer; whether the request took effect is unknown."""

    def __init__(self, service: str, reason: str) -> None:
        super().__init__(
            f"{service} から応答がありません ({reason})",
            f"{service} does not answer ({reason})",
            kept="whatever the caller passed in is unchanged",
            next="repeat the same call: signed messages take effect once, and an opening is only recorded again",
        )
        self.service = service


class ProblemError(AgencyError):
    """A service refused (RFC 9457); `code` is stable and known where it is a `RefusalCode`."""

    def __init__(self, status: int, code: str, detail: Mapping[str, str], ja: str, en: str, next: str) -> None:  # noqa: A002
        place = " ".join(f"{name}={value}" for name, value in detail.items())
        super().__init__(
            f"{ja} [{code}]",
            f"{en} ({place})" if place else en,
            kept="nothing took effect; a refusal of an opening is recorded",
            next=next,
        )
        self.status = status
        self.code = code
        self.detail = dict(detail)

    @classmethod
    def of(cls, status: int, content: Mapping[str, object]) -> Self:
        """Read a problem document; whatever is no such document becomes `code` unknown."""
        code = content.get("code")
        detail = content.get("detail")
        details = {str(name): str(value) for name, value in detail.items()} if isinstance(detail, dict) else {}
        if isinstance(code, str) and code in RefusalCode.__members__.values():
            telling = TELLINGS[RefusalCode(code)]
            return cls(status, code, details, telling.ja, telling.en, f"{telling.next_ja} / {telling.next_en}")
        title, title_en = str(content.get("title", "エラー")), str(content.get("title_en", f"HTTP {status}"))
        following = f"{content.get('next', '')} / {content.get('next_en', 'ask the operator')}"
        return cls(status, code if isinstance(code, str) else "unknown", details, title, title_en, following)


class UntrustedDeliveryError(AgencyError):
    """What was delivered is not what its sender signed; its sections are not opened."""

    def __init__(self, referral_id: str, code: RefusalCode) -> None:
        super().__init__(
            f"届いた内容が送り主の署名と合いません [{code.value}]",
            f"the delivery does not agree with what its sender signed ({code.value})",
            kept=f"referral {referral_id} was not opened and no key was asked for",
            next="tell the network's operator; ask the sender to send a new referral",
        )
        self.code = code
