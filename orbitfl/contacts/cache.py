"""Plans that were computed once are kept, by what they were computed from."""

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orbitfl.contacts.formats import read, write
from orbitfl.contacts.plan import ContactPlan
from orbitfl.errors import DataError, OrbitflWarning, ScenarioError, StorageError
from orbitfl.files import cache_folder

FORMAT = 7
"""To be raised whenever equal keys give other plans, or files are written in another way."""


def kept(key: Mapping[str, Any], compute: Callable[[], ContactPlan]) -> ContactPlan:
    """The plan that was kept under `key`, values of JSON; if there is none, compute and keep it.

    Safe with any number of readers and writers: files appear whole, and writers of one key write the same. A damaged
    file is computed anew and replaced. Where nothing can be kept the plan comes all the same, with a warning.
    Raises ScenarioError for a key that is not JSON, and what `compute` raises.
    """
    path = cache_folder() / "contacts" / f"{_digest(key)}.parquet"
    if (plan := _found(path)) is not None:
        return plan
    plan = compute()
    _keep(plan, path)
    return plan


def _found(path: Path) -> ContactPlan | None:
    try:
        return read(path) if path.exists() else None
    except OSError:  # No place to look in is none to keep it in, of which `_keep` warns.
        return None
    except (DataError, StorageError) as error:
        warnings.warn(f"A kept contact plan is computed anew: {error}", OrbitflWarning, stacklevel=3)
        return None


def _keep(plan: ContactPlan, path: Path) -> None:
    try:
        write(plan, path)
    except StorageError as error:
        warnings.warn(f"The contact plan is not kept for the next run: {error}", OrbitflWarning, stacklevel=3)


def _digest(key: Mapping[str, Any]) -> str:
    content = {"format": FORMAT, "key": dict(key)}
    try:
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"A contact plan is kept by values of JSON, but the key holds others: {error}.") from error
    return hashlib.sha256(text.encode()).hexdigest()
