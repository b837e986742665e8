import httpx
from fastapi import FastAPI
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from services.runtime.telemetry import without_query


async def test_a_span_has_nothing_of_the_query() -> None:
    """What somebody puts behind the question mark, such as a code, is in no trace."""
    spans, provider, app = InMemorySpanExporter(), TracerProvider(), FastAPI()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, server_request_hook=without_query)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        await client.get("/person/tokens", params={"code": "0123-4567"})

    finished = spans.get_finished_spans()
    assert finished
    assert not [span for span in finished if "0123-4567" in span.to_json()]
