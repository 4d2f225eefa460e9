"""One control's sets of baselines: which jobs are judged by which, and so how often the control has to be run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.assess.answers import EVERY_JOB, Judged
from audit.assess.parameters import Baseline, baselines, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.assess.estate import Estate
    from audit.assess.fitting import Fitting
    from audit.assess.header import Control
    from audit.assess.policy import Policy
    from audit.assess.tables import ParameterRow


class Sets:
    """The baselines of one control over an estate."""

    def __init__(self, control: Control, policy: Policy, estate: Estate, fitting: Fitting) -> None:
        self._control, self._estate = control, estate
        self._everywhere = baselines(control, policy)
        touching = {
            each.place for each in policy.overrides if any(each.sets(name) for name in control.header.parameters)
        }
        self.unsettled = frozenset(key for key, open_ in fitting.unsettled.items() if touching & set(open_))
        """Keys of the jobs of which nobody knows which baselines are theirs."""
        self._own: dict[str, dict[str, Baseline]] = {}
        found: dict[tuple[int, ...], dict[str, Baseline]] = {}
        for key, fit in fitting.of.items() if touching else ():
            chosen = tuple(index for index in fit if index in touching)
            if chosen and chosen not in found:
                found[chosen] = baselines(control, policy, chosen)
            if chosen:
                self._own[key] = found[chosen]

    @property
    def judged(self) -> tuple[Judged, ...]:
        """What the control is to be run for: first the baselines that hold where nothing else does."""
        everywhere = _values(self._everywhere)
        groups: dict[str, list[str]] = {}
        for key, own in self._own.items():
            if (values := _values(own)) != everywhere:
                groups.setdefault(values, []).append(key)
        if not groups:
            return (EVERY_JOB,)
        others = frozenset(key for keys in groups.values() for key in keys)
        apart = [Judged(self._estate.jobs[keys[0]].job_id, frozenset(keys).__contains__) for keys in groups.values()]
        return Judged("", lambda key: key not in others), *apart

    def rows(self) -> Iterator[ParameterRow]:
        """Yield the rows of ``parameters``: for all jobs, then for each job what differs for it."""
        yield from rows(self._control, self._everywhere, None)
        for key, own in self._own.items():
            differing = {name: each for name, each in own.items() if each != self._everywhere[name]}
            yield from rows(self._control, differing, self._estate.jobs[key].job_id)


def _values(found: Mapping[str, Baseline]) -> str:
    values: dict[str, Any] = {name: each.value for name, each in found.items()}
    return json.dumps(values, sort_keys=True)
