"""Calls of OTLP by gRPC that are refused, by an ordinary client of gRPC; prints the code and the details of each."""

import json
import sys

import grpc

address, ca_file, token = sys.argv[1:4]
if ca_file:
    credentials = grpc.ssl_channel_credentials(open(ca_file, "rb").read())
    channel = grpc.secure_channel(address, credentials)
else:
    channel = grpc.insecure_channel(address)
metadata = [("authorization", "Bearer " + token)] if token else []


def called(method, message, **more):
    call = channel.unary_unary(method)
    try:
        return ["OK", list(call(message, metadata=metadata, timeout=30, **more))]
    except grpc.RpcError as error:
        return [error.code().name, error.details()]


METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
# A record of a log whose time is after the year 2200.
late = b"\x0a\x0d\x12\x0b\x12\x09\x09" + 8 * b"\xff"
print(
    json.dumps(
        {
            "empty": called(METRICS, b""),
            "rubbish": called(METRICS, b"\x0a\xff"),
            "partial": called(LOGS, late),
            "unknown": called("/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export", b""),
            "large": called(LOGS, b"\x0a" * 3_000_000),
            "deflated": called(LOGS, 10_000 * b"\x0a", compression=grpc.Compression.Deflate),
        }
    )
)
