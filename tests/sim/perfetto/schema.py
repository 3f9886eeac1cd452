"""Reads a trace with the published schema (the Python package `perfetto`): every field must be known
there, and writing it again must give the same bytes. Prints how many packets it read."""

import sys

from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace import perfetto_trace_pb2


def unknown(message):
    count = len(UnknownFieldSet(message))
    for _, value in message.ListFields():
        values = value if hasattr(value, "__len__") and not isinstance(value, (str, bytes)) else [value]
        count += sum(unknown(one) for one in values if hasattr(one, "ListFields"))
    return count


data = open(sys.argv[1], "rb").read()
trace = perfetto_trace_pb2.Trace()
trace.ParseFromString(data)
assert unknown(trace) == 0, "fields that the schema does not know"
assert trace.SerializeToString() == data, "written again it is something else"
print(len(trace.packet), "packets")
