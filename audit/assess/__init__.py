"""Controls: SQL files that answer, for every subject, with one of four words and a reason.

``load`` reads and checks them; before anything is collected ``check_policy`` holds [policy] against their parameters,
and ``check_exceptions`` what was excused against the controls;
``assess`` runs them over a run's tables. An absence of evidence answers ``not_assessed``, never pass or fail.
"""

from audit.assess.engine import assess
from audit.assess.header import Control
from audit.assess.load import load, load_file, load_pack
from audit.assess.locked import Locked
from audit.assess.parameters import check_policy
from audit.assess.waivers import check_exceptions

__all__ = ["Control", "Locked", "assess", "check_exceptions", "check_policy", "load", "load_file", "load_pack"]
