"""What a key means, from the docstring of the dataclass that it belongs to."""

import dataclasses
import inspect
import re
from collections.abc import Iterator


def described(component: type) -> dict[str, str]:
    """For each key of a dataclass what its docstring says of it; keys of which it says nothing are left out.

    It says so where a sentence begins as `key: explanation`, or `key, key: explanation` for several together. The
    explanation goes on to the next key's, or to the end of its paragraph.
    """
    keys = [key.name for key in dataclasses.fields(component)]
    said: dict[str, str] = {}
    for paragraph in _paragraphs(component):
        for name, text in _entries(paragraph, keys):
            said.setdefault(name, text)
    return said


def _paragraphs(component: type) -> Iterator[str]:
    """Of its own docstring, then of those of the dataclasses it extends; what they raise is no key's business."""
    owners = [each for each in component.__mro__ if dataclasses.is_dataclass(each)]
    for doc in (inspect.cleandoc(each.__doc__) for each in owners if each.__doc__):
        yield from (" ".join(part.split()) for part in re.split(r"\n\n|^Raises ", doc, flags=re.MULTILINE))


def _entries(paragraph: str, keys: list[str]) -> Iterator[tuple[str, str]]:
    # Only keys count, and only where a sentence begins: a colon stands after many other words as well.
    name = rf"(?:{'|'.join(keys)})"
    pieces = re.split(rf"(?:^|(?<=\. ))({name}(?:, {name})*): ", paragraph)
    for names, text in zip(pieces[1::2], pieces[2::2], strict=True):
        yield from ((name, _capitalised(text.strip())) for name in names.split(", "))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
