"""A shop that is observed by OpenTelemetry: sends metrics, logs and spans to the server whose address it is given, by grpc or http."""

import logging
import os
import sys

os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sys.argv[1]
os.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = "gzip"

if sys.argv[2] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

resource = Resource.create(
    {"service.name": "shop", "service.namespace": "eu", "service.instance.id": "shop-1"}
)

metrics = MeterProvider(
    resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())]
)
meter = metrics.get_meter("shop")
meter.create_counter("orders", unit="{order}").add(3, {"bank": "ing"})
queue = meter.create_up_down_counter("queue.length")
queue.add(5)
queue.add(-7)
duration = meter.create_histogram(
    "checkout.duration", unit="s", explicit_bucket_boundaries_advisory=[1, 2.5]
)
duration.record(0.5)
duration.record(10)

logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
spans = TracerProvider(resource=resource)
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = spans.get_tracer("shop")
logger = logging.getLogger("shop")
logger.addHandler(LoggingHandler(logger_provider=logs))

request = {
    "http.request.method": "GET",
    "url.path": "/orders/17",
    "http.response.status_code": 500,
    "client.address": "203.0.113.7",
}
with tracer.start_as_current_span("GET /orders/{id}", kind=SpanKind.SERVER, attributes=request) as span:
    with tracer.start_as_current_span("SELECT orders", kind=SpanKind.CLIENT):
        logger.warning("slow query: %d ms", 812)
    span.set_status(Status(StatusCode.ERROR))

for provider in (metrics, logs, spans):
    provider.shutdown()
