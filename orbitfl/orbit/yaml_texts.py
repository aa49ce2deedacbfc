"""YAML of strangers as texts, lists and mappings alone: no value is guessed at, and nothing in it is run."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.events import AliasEvent

from orbitfl.errors import DataError
from orbitfl.orbit.text_file import shown


class _Loader(yaml.BaseLoader):
    """No tags, so that NO is Norway and 1:30 no 90; no aliases, of which a few lines make billions of values."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(AliasEvent):
            raise ComposerError(None, None, "aliases are not read here", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise ConstructorError(None, None, "a key is given twice", node.start_mark)
        return mapping


def texts_of_yaml(text: str) -> Any:
    """Raises DataError for what is not YAML, or uses more of it."""
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError, TypeError) as error:
        raise DataError(f"this is not valid YAML: {shown(' '.join(str(error).split()))}. Mend it.") from error
