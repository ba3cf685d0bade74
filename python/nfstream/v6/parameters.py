"""Parameters of nfstream 6: checks and error messages."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from nfstream.v6.plugin import NFPlugin

Value = TypeVar("Value")


class Parameter(Generic[Value]):
    """A parameter that is checked on every assignment.

    Args:
        parse: Returns the value to keep, or raises ``ValueError`` without a message.
        message: Error message for values that ``parse`` refuses.
    """

    def __init__(self, parse: Callable[[Any], Value], message: str) -> None:
        self._parse = parse
        self._message = message

    def __set_name__(self, owner: type, name: str) -> None:
        """Sets the name of the attribute that keeps the value."""
        self._name = f"_{name}"

    def __get__(self, instance: object, owner: type) -> Value:
        """Returns the value."""
        value: Value = getattr(instance, self._name)
        return value

    def __set__(self, instance: object, value: Any) -> None:
        """Checks and keeps the value."""
        try:
            parsed = self._parse(value)
        except ValueError as error:
            raise ValueError(*(error.args or (self._message,))) from None
        setattr(instance, self._name, parsed)


def flag(name: str) -> Parameter[bool]:
    """Returns a parameter that is True or False."""

    def parse(value: object) -> bool:
        if isinstance(value, bool):
            return value
        raise ValueError

    return Parameter(
        parse, f"Please specify a valid {name} parameter (possible values: True, False)."
    )


def whole(least: int, most: int | None, message: str) -> Parameter[int]:
    """Returns a parameter that is a whole number; `most` is ``None`` for no limit."""

    def parse(value: object) -> int:
        if isinstance(value, int) and value >= least and (most is None or value <= most):
            return value
        raise ValueError

    return Parameter(parse, message)


def timeout(name: str) -> Parameter[int]:
    """Returns a parameter of whole seconds whose milliseconds fit into 64 bits."""
    message = f"Please specify a valid {name} parameter (positive integer in seconds)."
    return whole(0, (2**64 - 1) // 1000, message)


def parse_source(value: Any) -> str | list[str]:
    """Returns one capture file or interface, or a list of files."""
    if isinstance(value, list):
        if not value:
            raise ValueError("Please provide a non-empty list of sources.")
        for index, path in enumerate(value):
            if not _is_file(path):
                raise ValueError(f"Invalid pcap file path at index: {index}.")
        return [str(path) for path in value]
    if _is_file(value):
        return str(value)
    if isinstance(value, str) and value in (name for _, name in socket.if_nameindex()):
        return value
    raise ValueError


def parse_filter(value: object) -> str | None:
    """Returns a packet filter. The run compiles it when it starts."""
    if value is None or isinstance(value, str):
        return value
    raise ValueError


def parse_plugins(value: Any) -> tuple[NFPlugin, ...] | list[NFPlugin]:
    """Returns the plugins; a single plugin needs no list."""
    if value is None:
        return ()
    if isinstance(value, NFPlugin):
        return (value,)
    if isinstance(value, (list, tuple)) and all(isinstance(one, NFPlugin) for one in value):
        return value
    raise ValueError


def parse_visibility(value: object) -> int:
    """Returns 1 to add the process of each flow, 0 otherwise."""
    if not (isinstance(value, int) and value in (0, 1)):
        raise ValueError
    return int(value)


def _is_file(path: object) -> bool:
    return isinstance(path, (str, os.PathLike)) and os.path.isfile(path)
