"""Trace context as text."""

import pytest
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from services.eventing.tracing import span_context_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "text",
    [
        f"00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-00",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        "",
        "\ud800",
    ],
)
def test_a_traceparent_names_the_span_that_the_library_reads_from_it(text: str) -> None:
    """Our own reading and OpenTelemetry's agree on what is well formed and what it says."""
    read = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": text})).get_span_context()
    assert span_context_of(text) == (read if read.is_valid else None)
