"""Instants in a scenario: written out, so that no bare number passes for seconds since 1970."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator

from orbitfl.errors import ScenarioError


def _written_out(given: Any) -> datetime:
    if isinstance(given, datetime):
        return given
    # Eight digits alone are a date to Python, but as likely to be seconds.
    if isinstance(given, str) and re.match(r"\d{4}-\d{2}-\d{2}[T ]", given, re.IGNORECASE):
        with suppress(ValueError):
            return datetime.fromisoformat(given.upper())
    raise ScenarioError(f"{str(given)[:40]} is not a date with a time; write both, such as 2018-05-18T03:21:00Z.")


Moment = Annotated[datetime, BeforeValidator(_written_out)]


def in_utc(key: str, moment: datetime) -> datetime:
    """Raises ScenarioError, naming `key`, for an instant without a time zone, or that no calendar holds in UTC."""
    if moment.utcoffset() is None:
        raise ScenarioError(f"{key} is {moment}, without a time zone; end it with Z, such as 2018-05-18T03:21:00Z.")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ScenarioError(f"{key} is {moment}, before the year 1 or after 9999 in UTC; choose another.") from error
