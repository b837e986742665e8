"""Trace context as text (W3C Trace Context), to be kept in rows and headers."""

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT = "traceparent"
_PROPAGATOR = TraceContextTextMapPropagator()

tracer = trace.get_tracer("tsunagu.eventing")


def context_of(traceparent: str | None) -> Context:
    """The context that a `traceparent` names; an empty one when there is none or it is malformed."""
    return _PROPAGATOR.extract({TRACEPARENT: traceparent} if traceparent else {}, context=Context())


def traceparent_of(context: Context | None = None) -> str | None:
    """The `traceparent` of this context, or of the current one; None outside any recorded trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, context=context)
    return carrier.get(TRACEPARENT)
