"""`orbitfl init` and `schema`: what a new scenario begins with."""

import json
from pathlib import Path
from typing import Annotated

import typer


def init(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The scenario's name.", show_default=False)],
) -> None:
    """Write NAME.yaml here: a commented scenario that runs as it is."""
    from orbitfl.scenario.starter import write_starter

    path = write_starter(name, Path())
    print(f"{path} is a mission of eight satellites; run it: orbitfl run {path}")


def schema(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="A page to read instead.")] = False,
) -> None:
    """Print the JSON schema of a scenario, by which editors complete and check its keys."""
    from orbitfl.scenario.json_schema import json_schema
    from orbitfl.scenario.key_reference import markdown

    if as_markdown:
        print(markdown(), end="")
        return
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
