"""Trace context as text (W3C Trace Context), to be kept in rows and headers."""

import re

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT = "traceparent"
_VERSION_00 = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_PROPAGATOR = TraceContextTextMapPropagator()

tracer = trace.get_tracer("tsunagu.eventing")


def span_context_of(traceparent: str) -> SpanContext | None:
    """The span that a `traceparent` of version 00 names; None where it is malformed or names none."""
    # By hand, for it is done for every message: the propagator reads a carrier and makes a context first.
    fields = _VERSION_00.fullmatch(traceparent)
    if fields is None:
        return None
    found = SpanContext(
        int(fields[1], 16), int(fields[2], 16), is_remote=True, trace_flags=TraceFlags(int(fields[3], 16))
    )
    return found if found.is_valid else None


def context_of(parent: SpanContext) -> Context:
    """The context in which this span is the current one."""
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def traceparent_of(context: Context | None = None) -> str | None:
    """The `traceparent` of this context, or of the current one; None outside any recorded trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=context)
    return carrier.get(TRACEPARENT)
