"""Asking an ONNX model for a tensor inside it, without the onnx package and without another file."""

from __future__ import annotations

_GRAPH, _OUTPUT = 7, 12  # fields of onnx.proto3: ModelProto.graph, GraphProto.output
_NAME, _TYPE, _TENSOR, _ELEMENT, _FLOAT = 1, 2, 1, 1, 1  # ValueInfoProto, TypeProto, TypeProto.Tensor, FLOAT


def with_output(model: bytes, name: str) -> bytes:
    """Return a model file's bytes with one more output: the float tensor of that name.

    Protocol buffers allow this by appending: of a message that occurs twice the parts are merged, and lists joined
    (protobuf.dev, "Last One Wins").
    """
    tensor = _message(_TENSOR, bytes([_ELEMENT << 3, _FLOAT]))
    value = _message(_NAME, name.encode()) + _message(_TYPE, tensor)
    return model + _message(_GRAPH, _message(_OUTPUT, value))


def _message(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2]) + _length(len(content)) + content


def _length(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])
