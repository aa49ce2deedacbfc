"""Tables column by column against rows put in order one by one."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from orbitfl.environment import Activity, Reason, Spell
from orbitfl.experiment import tables
from orbitfl.simulation.timeline import Timeline

NAMES = ("zoe", "amy", "moe")
SPELLS = st.builds(
    Spell,
    node=st.integers(0, 2),
    activity=st.sampled_from(Activity),
    # Few values, so that some spells begin together.
    start_s=st.sampled_from([0.0, 10.0, 20.5]),
    end_s=st.floats(20.5, 1e6),
    consumed_j=st.floats(0, 1e9),
    charged_j=st.floats(0, 1e9),
    clipped_j=st.floats(0, 1e9),
    charge_end=st.floats(0, 1),
    temperature_end_k=st.floats(3, 900),
    reason=st.none() | st.sampled_from(Reason),
    eclipse_s=st.floats(0, 1e6),
    off_s=st.floats(0, 1e6),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SPELLS, max_size=12))
def test_energy_has_every_spell_satellite_by_satellite(spells: list[Spell]):
    found = tables.energy(Timeline((), (), (), tuple(spells)), NAMES)
    rows = [
        (NAMES[each.node], each.activity.value, *each[2:9], each.reason.value if each.reason else "", *each[10:])
        for each in sorted(spells, key=lambda each: (each.node, each.start_s))
    ]
    assert list(found.columns) == list(Spell._fields)
    assert list(found.itertuples(index=False, name=None)) == rows
    assert {str(found[name].dtype) for name in ("node", "activity", "reason")} <= {"str", "object"}
    numbers = found.drop(columns=["node", "activity", "reason"])
    assert set(numbers.dtypes) == {np.dtype(np.float64)}


def test_words_are_plain_strings():
    spell = Spell(0, Activity.TRAINING, 0.0, 1.0, 1.0, 1.0, 0.0, 0.5, 280.0, Reason.EMPTY)
    found = tables.energy(Timeline((), (), (), (spell,)), NAMES)
    assert isinstance(found, pd.DataFrame)
    assert [type(found[name][0]) for name in ("node", "activity", "reason")] == [str] * 3
