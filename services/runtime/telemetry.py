"""Logs as JSON lines, traces and metrics over OTLP, traces also into a file; none ever carries personal information."""

import json
import logging
import sys
from collections.abc import MutableMapping, Sequence
from pathlib import Path

import structlog
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span
from structlog.tracebacks import ExceptionDictTransformer

from services.runtime.settings import ServiceSettings

_METRICS_EVERY_MILLISECONDS = 15_000


def configure_logging(service: str, log_file: Path | None) -> None:
    """Write every log line of this process as one JSON object."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # Without the frames' variables, among which may be a content key or what a person said.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    handler = logging.FileHandler(log_file, encoding="utf-8") if log_file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                lambda _logger, _name, event: {"service": service, **event},
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    # FastStream tells of every batch twice, under the name that `consuming_broker` gives it.
    for noisy in ("aiokafka", "httpx", "uvicorn.access", "sqlalchemy", "tsunagu.eventing.kafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def configure_tracing(service: str, settings: ServiceSettings) -> TracerProvider:
    """Export spans in batches to wherever the settings name; without a setting spans only pass context on."""
    provider = TracerProvider(resource=_resource(service))
    if settings.otlp_endpoint:
        exporter = OTLPSpanExporter(endpoint=_otlp_address(settings.otlp_endpoint, "traces"))
        provider.add_span_processor(BatchSpanProcessor(exporter))
    if settings.traces_file:
        provider.add_span_processor(
            BatchSpanProcessor(FileSpanExporter(settings.traces_file), schedule_delay_millis=500)
        )
    trace.set_tracer_provider(provider)
    return provider


def configure_metrics(service: str, settings: ServiceSettings) -> MeterProvider:
    """Export metrics four times a minute to wherever the settings name; without a setting they go nowhere."""
    readers = []
    if settings.otlp_endpoint:
        exporter = OTLPMetricExporter(endpoint=_otlp_address(settings.otlp_endpoint, "metrics"))
        readers.append(PeriodicExportingMetricReader(exporter, export_interval_millis=_METRICS_EVERY_MILLISECONDS))
    provider = MeterProvider(readers, resource=_resource(service))
    metrics.set_meter_provider(provider)
    return provider


def _resource(service: str) -> Resource:
    return Resource.create({SERVICE_NAME: f"tsunagu.{service}"})


def _otlp_address(base: str, signal: str) -> str:
    """Where a signal goes below the base address (OTLP/HTTP specification)."""
    return f"{base.rstrip('/')}/v1/{signal}"


def without_query(span: Span, scope: MutableMapping[str, object]) -> None:
    """Keep whatever stood behind the question mark out of a request's span: somebody may have put a secret there."""
    if scope.get("query_string"):
        span.set_attribute("http.url", str(scope["path"]))


class FileSpanExporter(SpanExporter):
    """Appends spans to a file, one JSON object a line."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append these spans."""
        self._file.writelines(f"{_line(span)}\n" for span in spans)
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


def _line(span: ReadableSpan) -> str:
    """A span in the shape of the SDK's own `to_json`, which renders the resource anew for each and takes longer."""
    context, parent = span.get_span_context(), span.parent
    return json.dumps(
        {
            "name": span.name,
            "kind": str(span.kind),
            "context": {
                "trace_id": f"0x{context.trace_id:032x}" if context else None,
                "span_id": f"0x{context.span_id:016x}" if context else None,
            },
            "parent_id": f"0x{parent.span_id:016x}" if parent else None,
            "start_time_unix_nano": span.start_time,
            "end_time_unix_nano": span.end_time,
            "status": span.status.status_code.name,
            "attributes": dict(span.attributes or {}),
            "resource": {"attributes": dict(span.resource.attributes)},
        },
        default=str,
    )
