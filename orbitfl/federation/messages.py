"""An update as bytes on the wire, and what is checked before a number of it is believed.

The bytes are safetensors (8 bytes of length, a JSON header, the numbers), read by the safetensors library as by
anybody; they are written and read here because the library keeps no order of its metadata, takes names that occur
twice, and allows headers of 100 MB. The header is filled with blanks to one length, so that the size of a message
depends on layout, compressor and parts alone, and no time on a number.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from orbitfl.errors import WeightsError
from orbitfl.federation.compressors import Compressor, Form
from orbitfl.federation.compressors.base import finite, form
from orbitfl.federation.refusals import RefusalError
from orbitfl.federation.weights import Layout

SCHEMA = "orbitfl-update-1"
LARGEST_HEADER_BYTE = 64 * 1024
SENDER_BYTE = 128
"""The longest sender, as JSON writes it without its quotes."""

EXACT = frozenset({"mass", "round"})
"""Parts that are one number each, sent as float64 whatever the compressor: (1,)."""

NO_REFERENCE = "0" * 64
_SIGNS = {"f8": "F64", "f4": "F32", "f2": "F16", "i1": "I8", "u1": "U8", "u2": "U16", "u4": "U32"}
_NUMBER_BYTE = 25
_COUNT, _HASH = re.compile(r"[0-9]{1,19}"), re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Header:
    """What a message says about itself.

    sender: a satellite's name. version: how many updates it had made before. base: SHA-256 of the launch weights.
    layout: `Layout.fingerprint`. codec: see `codec`. samples: tiles behind the model. made_s: mission time.
    reference: `references.reference_fingerprint` of what the numbers are told against.
    """

    sender: str
    version: int
    base: str
    layout: str
    codec: str
    samples: int
    made_s: float
    reference: str = NO_REFERENCE
    schema: str = SCHEMA


def codec(compressor: Compressor) -> str:
    """The options of a compressor as canonical JSON: equal for equal compressors alone."""
    return json.dumps(asdict(compressor), sort_keys=True, separators=(",", ":"))


def message_byte(compressor: Compressor, layout: Layout, parts: Sequence[str]) -> int:
    """The size of every message with these parts."""
    entries, body_byte = _entries(_forms(compressor, layout, parts))
    return 8 + _header_byte(entries, compressor) + body_byte


def pack(header: Header, parts: Mapping[str, NDArray], compressor: Compressor, layout: Layout) -> bytes:
    """The message. Raises WeightsError for a header that no peer would take, or parts that are not finite."""
    _check_own(header)
    entries, body_byte = _entries(_forms(compressor, layout, tuple(parts)))
    arrays = {
        f"{part}.{name}": array
        for part, vector in parts.items()
        for name, array in _encoded(part, vector, compressor, layout).items()
    }
    head = _json({"__metadata__": _as_text(header), **entries}).ljust(_header_byte(entries, compressor))
    body = [np.ascontiguousarray(arrays[name]).data for name in entries]
    assert sum(each.nbytes for each in body) == body_byte, "a compressor made other arrays than its forms say"
    return b"".join([len(head).to_bytes(8, "little"), head, *body])


def unpack(
    payload: bytes,
    *,
    base: str,
    layout: Layout,
    compressor: Compressor,
    parts: Sequence[str],
    reference: str = NO_REFERENCE,
) -> tuple[Header, dict[str, NDArray]]:
    """What a peer says and sends, as float32 vectors under the names of `parts`; `EXACT` parts as float64 (1,).

    Raises RefusalError, with a reason of its own for each fault, unless it is a message on these `base`, `layout`,
    `compressor`, `parts` and `reference`, of the size they make. No array is made before all of that is sure.
    """
    forms = _forms(compressor, layout, parts)
    entries, _ = _entries(forms)
    content, start = _content(payload, message_byte(compressor, layout, parts))
    header = _header(content.pop("__metadata__", None))
    expected = {"base": base, "layout": layout.fingerprint(), "codec": codec(compressor), "reference": reference}
    _check_agreed(header, expected)
    _check_entries(content, entries)
    _check_length(payload, start, entries)
    arrays = {name: _array(payload, start, entries[name], forms[name]) for name in entries}
    return header, {part: _decoded(part, arrays, compressor, layout) for part in parts}


def _encoded(part: str, vector: NDArray, compressor: Compressor, layout: Layout) -> dict[str, NDArray]:
    return {"number": vector.astype("<f8")} if part in EXACT else compressor.encode(vector, layout)


def _decoded(part: str, arrays: Mapping[str, NDArray], compressor: Compressor, layout: Layout) -> NDArray:
    own = {name.removeprefix(f"{part}."): array for name, array in arrays.items() if name.startswith(f"{part}.")}
    if part not in EXACT:
        return compressor.decode(own, layout)
    number = finite(own["number"]).astype(np.float64)
    if number[0] < 0:
        raise RefusalError("negative number", f"its {part} is {number[0]:g} where 0 or more is expected")
    return number


def _forms(compressor: Compressor, layout: Layout, parts: Sequence[str]) -> dict[str, Form]:
    number = {"number": form(np.float64, 1)}
    return {
        f"{part}.{name}": each
        for part in parts
        for name, each in (number if part in EXACT else compressor.forms(layout)).items()
    }


def _entries(forms: Mapping[str, Form]) -> tuple[dict[str, Any], int]:
    """The header's entries in the order of the bytes, wide numbers first so that all lie aligned; and their length."""
    entries, end = {}, 0
    for name in sorted(forms, key=lambda name: (-forms[name].dtype.itemsize, name)):
        start, end = end, end + forms[name].byte
        sign = _SIGNS[forms[name].dtype.str[1:]]
        entries[name] = {"dtype": sign, "shape": list(forms[name].shape), "data_offsets": [start, end]}
    return entries, end


def _header_byte(entries: Mapping[str, Any], compressor: Compressor) -> int:
    """The header's one length: its longest values, rounded up to eight bytes."""
    number, fingerprint = "9" * _NUMBER_BYTE, "f" * 64
    longest = {each.name: fingerprint for each in fields(Header)} | {
        "sender": "x" * SENDER_BYTE,
        "version": number,
        "samples": number,
        "made_s": number,
        "codec": codec(compressor),
        "schema": SCHEMA,
    }
    return -(-len(_json({"__metadata__": longest, **entries})) // 8) * 8


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _as_text(header: Header) -> dict[str, str]:
    numbers = {
        "version": str(int(header.version)),
        "samples": str(int(header.samples)),
        "made_s": repr(float(header.made_s)),
    }
    return asdict(header) | numbers


def told_byte(name: str) -> int:
    """How long a sender's name is in a message; `SENDER_BYTE` at the most."""
    return len(_json({"": name})) - len(_json({"": ""}))


def _check_own(header: Header) -> None:
    if told_byte(header.sender) > SENDER_BYTE:
        raise WeightsError(
            f"The sender {header.sender[:40]!r}… has a name of more than {SENDER_BYTE} bytes; shorten it."
        )
    try:
        _header(_as_text(header))
    except RefusalError as error:
        raise WeightsError(f"A message cannot be made of this header ({error.reason}).") from error


def _content(payload: bytes, largest_byte: int) -> tuple[dict[str, Any], int]:
    """The header's JSON, and where the numbers begin."""
    if len(payload) > largest_byte:
        raise RefusalError("too many bytes", f"it has {len(payload)} where {largest_byte} are expected")
    length_byte = int.from_bytes(payload[:8], "little")
    if len(payload) >= 8 and length_byte > LARGEST_HEADER_BYTE:
        raise RefusalError("header too long", f"{length_byte} bytes, where {LARGEST_HEADER_BYTE} are the most")
    start = 8 + length_byte
    if len(payload) < max(start, 8):
        raise RefusalError("not safetensors", "it ends before its header does")
    try:
        content = json.loads(payload[8:start], object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        if isinstance(error, RefusalError):
            raise
        raise RefusalError("not safetensors", "its header is not JSON") from error
    if not isinstance(content, dict):
        raise RefusalError("not safetensors", "its header is not a JSON object")
    return content, start


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise RefusalError("duplicate keys", "a name occurs twice in its header")
    return content


def _header(metadata: Any) -> Header:
    names = {each.name for each in fields(Header)}
    if not isinstance(metadata, dict) or metadata.keys() != names:
        raise RefusalError("wrong header", f"its metadata are not {', '.join(sorted(names))}")
    if not all(isinstance(value, str) for value in metadata.values()):
        raise RefusalError("wrong header", "its metadata are not texts")
    if metadata["schema"] != SCHEMA:
        raise RefusalError("other schema", f"it is {metadata['schema'][:40]!r} where {SCHEMA!r} is expected")
    for name in ("base", "layout", "reference"):
        if not _HASH.fullmatch(metadata[name]):
            raise RefusalError("wrong header", f"its {name} is not a SHA-256")
    counts = {name: _count(name, metadata[name]) for name in ("version", "samples")}
    return Header(**{**metadata, **counts, "made_s": _seconds(metadata["made_s"])})


def _count(name: str, text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise RefusalError("wrong header", f"its {name} is {text[:40]!r}, no count")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text) if len(text) <= _NUMBER_BYTE else float("nan")
    except ValueError:
        seconds = float("nan")
    if not isfinite(seconds):
        raise RefusalError("wrong header", f"its made_s is {text[:40]!r}, no number of seconds")
    return seconds


def _check_agreed(header: Header, expected: Mapping[str, str]) -> None:
    for name, value in expected.items():
        if getattr(header, name) != value:
            raise RefusalError(
                f"other {name}", f"it is on {ascii(getattr(header, name))[:66]} where {value} is expected"
            )


def _check_entries(given: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    if given.keys() != expected.keys():
        strange = sorted(given.keys() ^ expected.keys())[:3]
        raise RefusalError(
            "wrong arrays", f"it has too many or too few: {', '.join(ascii(name)[:60] for name in strange)}"
        )
    for key, reason in (("dtype", "wrong type"), ("shape", "wrong shape"), ("data_offsets", "not safetensors")):
        for name, entry in expected.items():
            if not isinstance(given[name], dict) or given[name].get(key) != entry[key]:
                raise RefusalError(reason, f"the {key} of {name} is not {entry[key]}")


def _check_length(payload: bytes, start: int, entries: Mapping[str, Any]) -> None:
    end = start + max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    if len(payload) != end:
        raise RefusalError("wrong length", f"it has {len(payload)} bytes where its header tells of {end}")


def _array(payload: bytes, start: int, entry: Mapping[str, Any], expected: Form) -> NDArray:
    flat = np.frombuffer(payload, expected.dtype, int(np.prod(expected.shape)), start + entry["data_offsets"][0])
    return flat.reshape(expected.shape)
