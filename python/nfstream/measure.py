"""Measures: columns of your own, written as expressions and computed in the engine.

>>> from nfstream import NFStreamer, pkt
>>> measure = {"up_acks": pkt.filter(pkt.up & pkt.ack).count(), "longest": pkt.iat_ms.max()}
>>> flows = NFStreamer("tests/captures/redis.pcap", measure=measure).to_pandas()
>>> int(flows["up_acks"].sum())
44
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Columns", "Condition", "Packets", "Value", "flow", "pkt"]

Number = int | float


class Expression:
    """Expression of a measure; ``str()`` returns its text in the language of the command.

    Comparisons and arithmetic return new expressions. Write ``&``, ``|`` and ``~`` for *and*, *or*
    and *not*, with parentheses around comparisons: ``(pkt.length > 100) & pkt.up``.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        """Returns the text of the expression."""
        return self._text

    def __repr__(self) -> str:
        """Returns the text of the expression."""
        return self._text

    def __bool__(self) -> bool:
        """Raises an error: the expression has no value yet.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            f"{self._text} has no value yet: write & for 'and', | for 'or', ~ for 'not', and split "
            "comparisons such as a < b < c"
        )

    def __hash__(self) -> int:
        """Returns the hash of the text."""
        return hash(self._text)

    def __setattr__(self, name: str, value: object) -> None:
        """Raises an error, except during construction: expressions are immutable."""
        if name != "_text" or hasattr(self, "_text"):
            raise AttributeError(f"{name!r} of an expression cannot be set")
        object.__setattr__(self, name, value)

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        """Returns the type and the text, from which copies are made."""
        return type(self), (self._text,)


class Value(Expression):
    """A number or a condition: of each packet, or of the flow.

    An aggregation reduces the values of packets to a value of the flow. Over no values, ``last``,
    ``quantile``, ``skew`` and ``kurtosis`` are null, ``all`` is true, ``any`` is false, lists are
    empty and the rest is 0.
    """

    __slots__ = ()

    def __add__(self, other: Value | Number) -> Value:
        """Returns the sum."""
        return _binary(self, "+", other)

    def __radd__(self, other: Number) -> Value:
        """Returns the sum."""
        return _binary(other, "+", self)

    def __sub__(self, other: Value | Number) -> Value:
        """Returns the difference."""
        return _binary(self, "-", other)

    def __rsub__(self, other: Number) -> Value:
        """Returns the difference."""
        return _binary(other, "-", self)

    def __mul__(self, other: Value | Number) -> Value:
        """Returns the product."""
        return _binary(self, "*", other)

    def __rmul__(self, other: Number) -> Value:
        """Returns the product."""
        return _binary(other, "*", self)

    def __truediv__(self, other: Value | Number) -> Value:
        """Returns the quotient, a floating-point number; null for a division by zero."""
        return _binary(self, "/", other)

    def __rtruediv__(self, other: Number) -> Value:
        """Returns the quotient, a floating-point number; null for a division by zero."""
        return _binary(other, "/", self)

    def __mod__(self, other: Value | int) -> Value:
        """Returns the remainder of two integers, with the sign of the second."""
        return _binary(self, "%", other)

    def __rmod__(self, other: int) -> Value:
        """Returns the remainder of two integers, with the sign of the second."""
        return _binary(other, "%", self)

    def __neg__(self) -> Value:
        """Returns the negated number."""
        return Value(f"-({self._text})")

    def __abs__(self) -> Value:
        """Returns the absolute value."""
        return Value(f"abs({self._text})")

    def __lt__(self, other: Value | Number) -> Condition:
        """Returns whether this is less."""
        return Condition(str(_binary(self, "<", other)))

    def __le__(self, other: Value | Number) -> Condition:
        """Returns whether this is less or equal."""
        return Condition(str(_binary(self, "<=", other)))

    def __gt__(self, other: Value | Number) -> Condition:
        """Returns whether this is greater."""
        return Condition(str(_binary(self, ">", other)))

    def __ge__(self, other: Value | Number) -> Condition:
        """Returns whether this is greater or equal."""
        return Condition(str(_binary(self, ">=", other)))

    def __eq__(self, other: Value | Number) -> Condition:  # type: ignore[override]
        """Returns whether both are equal."""
        return Condition(str(_binary(self, "==", other)))

    def __ne__(self, other: Value | Number) -> Condition:  # type: ignore[override]
        """Returns whether both differ."""
        return Condition(str(_binary(self, "!=", other)))

    __hash__ = Expression.__hash__

    def is_null(self) -> Condition:
        """Returns whether the value is missing."""
        return Condition(f"({self._text} == null)")

    def sqrt(self) -> Value:
        """Returns the square root; null for a negative number."""
        return Value(f"sqrt({self._text})")

    def log(self) -> Value:
        """Returns the natural logarithm; null unless the number is positive."""
        return Value(f"log({self._text})")

    def count(self) -> Value:
        """Returns the number of values."""
        return self._aggregate("count")

    def sum(self) -> Value:
        """Returns the sum; for conditions, the number of true ones."""
        return self._aggregate("sum")

    def min(self) -> Value:
        """Returns the minimum."""
        return self._aggregate("min")

    def max(self) -> Value:
        """Returns the maximum."""
        return self._aggregate("max")

    def mean(self) -> Value:
        """Returns the mean; for conditions, the share of true ones."""
        return self._aggregate("mean")

    def std(self) -> Value:
        """Returns the sample standard deviation (divisor n - 1), 0 for one value."""
        return self._aggregate("std")

    def var(self) -> Value:
        """Returns the sample variance (divisor n - 1), 0 for one value."""
        return self._aggregate("var")

    def skew(self) -> Value:
        """Returns the skewness m3 / m2^1.5; null if all values are equal."""
        return self._aggregate("skew")

    def kurtosis(self) -> Value:
        """Returns the excess kurtosis m4 / m2^2 - 3; null if all values are equal."""
        return self._aggregate("kurtosis")

    def entropy(self) -> Value:
        """Returns the entropy of the values in bits; beyond 256 distinct values a lower bound."""
        return self._aggregate("entropy")

    def last(self) -> Value:
        """Returns the last value."""
        return self._aggregate("last")

    def first(self, n: int) -> List:
        """Returns a list of the first ``n`` values, shorter if there are fewer."""
        return List(f"{_operand(self)}.first({_literal(n)})")

    def n_unique(self) -> Value:
        """Returns the number of distinct values.

        It is exact up to 256, beyond that an estimate with a standard error of 3.3 %.
        """
        return self._aggregate("n_unique")

    def quantile(self, q: float) -> Value:
        """Returns a quantile, interpolated as numpy does: 0.5 is the median.

        It is exact up to 256 values, beyond that an estimate: its rank is off by at most
        log2(n / 64) / 512 of n values, and usually far less.
        """
        return self._aggregate("quantile", q)

    def histogram(self, edges: Sequence[Number]) -> List:
        """Returns the number of values between increasing edges, as ``numpy.histogram`` counts.

        Each bin contains its lower edge, the last one both; values outside are not counted.
        """
        listed = ", ".join(_literal(edge) for edge in edges)
        return List(f"{_operand(self)}.histogram([{listed}])")

    def _aggregate(self, name: str, *arguments: Number) -> Value:
        listed = ", ".join(_literal(argument) for argument in arguments)
        return Value(f"{_operand(self)}.{name}({listed})")


class Condition(Value):
    """A value that is true or false."""

    __slots__ = ()

    def __and__(self, other: Condition | bool) -> Condition:
        """Returns whether both are true."""
        return Condition(str(_binary(self, "&&", other)))

    __rand__ = __and__

    def __or__(self, other: Condition | bool) -> Condition:
        """Returns whether at least one is true."""
        return Condition(str(_binary(self, "||", other)))

    __ror__ = __or__

    def __invert__(self) -> Condition:
        """Returns whether the condition is false."""
        return Condition(f"!({self._text})")

    def choose(self, yes: Value | Number, no: Value | Number | None = None) -> Value:
        """Returns ``yes`` where the condition is true, and ``no`` where it is false."""
        return Value(f"({self._text} ? {_literal(yes)} : {_literal(no)})")

    def any(self) -> Condition:
        """Returns whether the condition is true for at least one packet."""
        return Condition(f"{_operand(self)}.any()")

    def all(self) -> Condition:
        """Returns whether the condition is true for all packets."""
        return Condition(f"{_operand(self)}.all()")


class List(Expression):
    """A list of values of a flow; ``list[0]`` is its first item, null if there is none."""

    __slots__ = ()

    def __getitem__(self, place: int) -> Value:
        """Returns an item."""
        return Value(f"{self._text}[{_literal(place)}]")


class Payload(Expression):
    """The bytes after the transport header; ``pkt.payload[0]`` is the first."""

    __slots__ = ()

    def __getitem__(self, offset: int) -> Value:
        """Returns the byte at an offset, missing if it was not captured."""
        return Value(f"{self._text}[{_literal(offset)}]")


class Packets(Expression):
    """The packets of a flow, or those that pass a filter.

    Fields are values of each packet. Times are those of the table: a late packet has the time of
    the packet before it. Gaps are missing for the first packet, and fields of TCP outside TCP.
    """

    __slots__ = ()

    def filter(self, condition: Condition) -> Packets:
        """Returns the packets for which a condition is true.

        Gaps of the result are between packets that passed.
        """
        return Packets(f"{self._text}.filter({_literal(condition)})")

    def count(self) -> Value:
        """Returns the number of packets."""
        return Value(f"{self._text}.count()")

    def bursts(self, gap_ms: float) -> Value:
        """Returns the number of bursts, which end with a gap of more than ``gap_ms`` ms."""
        return Value(f"{self._text}.bursts({_literal(gap_ms)})")

    def _value(self, name: str) -> Value:
        return Value(f"{self._text}.{name}")

    def _condition(self, name: str) -> Condition:
        return Condition(f"{self._text}.{name}")

    @property
    def length(self) -> Value:
        """Length of the frame on the wire."""
        return self._value("length")

    @property
    def capture_length(self) -> Value:
        """Length of the frame in the capture."""
        return self._value("capture_length")

    @property
    def ip_length(self) -> Value:
        """Length of the IP packet, header included."""
        return self._value("ip_length")

    @property
    def header_length(self) -> Value:
        """Length of the transport header."""
        return self._value("header_length")

    @property
    def payload_length(self) -> Value:
        """Bytes after the transport header."""
        return self._value("payload_length")

    @property
    def size(self) -> Value:
        """Bytes that count by ``accounting_mode``."""
        return self._value("size")

    @property
    def time(self) -> Value:
        """Time since the Unix epoch in milliseconds."""
        return self._value("time")

    @property
    def time_us(self) -> Value:
        """Time since the Unix epoch in microseconds."""
        return self._value("time_us")

    @property
    def time_ns(self) -> Value:
        """Time since the Unix epoch in nanoseconds."""
        return self._value("time_ns")

    @property
    def iat_ms(self) -> Value:
        """Time since the previous packet in milliseconds."""
        return self._value("iat_ms")

    @property
    def iat_us(self) -> Value:
        """Time since the previous packet in microseconds."""
        return self._value("iat_us")

    @property
    def iat_ns(self) -> Value:
        """Time since the previous packet in nanoseconds."""
        return self._value("iat_ns")

    @property
    def elapsed_ms(self) -> Value:
        """Time since the first packet in milliseconds."""
        return self._value("elapsed_ms")

    @property
    def elapsed_us(self) -> Value:
        """Time since the first packet in microseconds."""
        return self._value("elapsed_us")

    @property
    def elapsed_ns(self) -> Value:
        """Time since the first packet in nanoseconds."""
        return self._value("elapsed_ns")

    @property
    def number(self) -> Value:
        """Number of the packet in its flow, from 0."""
        return self._value("number")

    @property
    def direction(self) -> Value:
        """Direction: 0 from source to destination, 1 from destination to source."""
        return self._value("direction")

    @property
    def up(self) -> Condition:
        """Direction from source to destination."""
        return self._condition("up")

    @property
    def down(self) -> Condition:
        """Direction from destination to source."""
        return self._condition("down")

    @property
    def src_port(self) -> Value:
        """Port of the sender, 0 without one."""
        return self._value("src_port")

    @property
    def dst_port(self) -> Value:
        """Port of the receiver, 0 without one."""
        return self._value("dst_port")

    @property
    def protocol(self) -> Value:
        """IP protocol number."""
        return self._value("protocol")

    @property
    def version(self) -> Value:
        """IP version."""
        return self._value("version")

    @property
    def vlan_id(self) -> Value:
        """Innermost VLAN identifier, 0 without a tag."""
        return self._value("vlan_id")

    @property
    def tunnel_id(self) -> Value:
        """Tunnel of the packet, 0 without one."""
        return self._value("tunnel_id")

    @property
    def ttl(self) -> Value:
        """Time to live, or hop limit."""
        return self._value("ttl")

    @property
    def tos(self) -> Value:
        """Type of service, or traffic class."""
        return self._value("tos")

    @property
    def window(self) -> Value:
        """TCP window, not scaled; missing outside TCP."""
        return self._value("window")

    @property
    def seq(self) -> Value:
        """TCP sequence number; missing outside TCP."""
        return self._value("seq")

    @property
    def ack_number(self) -> Value:
        """TCP acknowledgment number; missing outside TCP."""
        return self._value("ack_number")

    @property
    def tcp_flags(self) -> Value:
        """All TCP flags as a number, 0 outside TCP."""
        return self._value("tcp_flags")

    @property
    def syn(self) -> Condition:
        """TCP flag SYN, false outside TCP."""
        return self._condition("syn")

    @property
    def fin(self) -> Condition:
        """TCP flag FIN, false outside TCP."""
        return self._condition("fin")

    @property
    def rst(self) -> Condition:
        """TCP flag RST, false outside TCP."""
        return self._condition("rst")

    @property
    def psh(self) -> Condition:
        """TCP flag PSH, false outside TCP."""
        return self._condition("psh")

    @property
    def ack(self) -> Condition:
        """TCP flag ACK, false outside TCP."""
        return self._condition("ack")

    @property
    def urg(self) -> Condition:
        """TCP flag URG, false outside TCP."""
        return self._condition("urg")

    @property
    def ece(self) -> Condition:
        """TCP flag ECE, false outside TCP."""
        return self._condition("ece")

    @property
    def cwr(self) -> Condition:
        """TCP flag CWR, false outside TCP."""
        return self._condition("cwr")

    @property
    def payload_entropy(self) -> Value:
        """Entropy of the captured payload in bits per byte; missing without payload."""
        return self._value("payload_entropy")

    @property
    def payload(self) -> Payload:
        """Bytes after the transport header."""
        return Payload(f"{self._text}.payload")


class Columns:
    """The columns of a flow, and earlier measures: ``flow.total_bytes / flow.duration``."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Condition:
        """Returns the value of a column of numbers or conditions."""
        if name.startswith("__"):
            raise AttributeError(name)
        return Condition(name)

    def __getitem__(self, name: str) -> Condition:
        """Returns the value of a column of numbers or conditions."""
        return Condition(name)

    def __repr__(self) -> str:
        """Returns the name of the object."""
        return "flow"


pkt = Packets("pkt")
"""The packets of a flow."""

flow = Columns()
"""The columns of a flow."""


def _texts(measure: object) -> dict[str, str]:
    """Returns the names and texts of measures.

    Raises:
        ValueError: If ``measure`` is not a dictionary of names and expressions.
    """
    if not isinstance(measure, Mapping):
        raise ValueError(f"measure must be a dictionary of names and expressions, not {measure!r}")
    texts = {}
    for name, expression in measure.items():
        if not isinstance(name, str):
            raise ValueError(f"names of measures must be text, not {name!r}")
        if not isinstance(expression, (Expression, str)):
            raise ValueError(
                f"measure {name!r} must be an expression such as pkt.length.max(), not "
                f"{expression!r}"
            )
        texts[name] = str(expression)
    return texts


def _operand(value: Expression) -> str:
    """Returns the text of an expression as the target of a call."""
    text = str(value)
    return text if text[:1] not in "-!" else f"({text})"


def _binary(left: Value | Number, sign: str, right: Value | Number) -> Value:
    return Value(f"({_literal(left)} {sign} {_literal(right)})")


def _literal(value: Any) -> str:
    """Returns a number or an expression as text.

    Raises:
        TypeError: If ``value`` is something else.
    """
    if isinstance(value, Expression):
        return str(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        value = value.item()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    raise TypeError(f"an expression takes numbers and other expressions, not {value!r}")
