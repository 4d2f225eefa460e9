"""Capabilities: the shipped file, a user's own, and what is refused, by file and key."""

from __future__ import annotations

import pytest

from audit.config import capabilities
from audit.errors import ConfigError

OWN = """
[capabilities.read_job]
title = "Look at it"
[[capabilities.read_job.ways]]
words = "look at the job"
needs = [{ on = "job", action = "Microsoft.App/jobs/read" }]
[capabilities.tag_job]
title = "Tag the job"
[[capabilities.tag_job.ways]]
words = "change the job's tags"
needs = [{ on = "job", action = "Microsoft.Resources/tags/write" }]
"""
CONTRACT = (
    "create_job update_job delete_job start_job stop_job exec_job list_secrets read_job read_logs assign_identity "
    "act_as_identity grant_access access_event_source manage_event_source read_vault_secret push_image "
    "change_diagnostics change_budget"
)


def _written(folder, text):
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_file_has_every_capability_that_scripts_rely_on_in_that_order():
    assert list(capabilities.shipped()) == CONTRACT.split()


def test_own_capabilities_are_added_and_win_by_name(tmp_path):
    found = capabilities.overlaid(capabilities.read(_written(tmp_path, OWN)))
    assert found["read_job"].title == "Look at it"
    assert found["tag_job"].ways[0].needs[0].action == "Microsoft.Resources/tags/write"
    assert found["update_job"] == capabilities.shipped()["update_job"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (OWN.replace("needs", "need"), "did you mean"),
        (OWN.replace('on = "job"', 'on = "jobs"'), "unknown value"),
        (OWN.replace(', action = "Microsoft.App/jobs/read"', ""), "names one action or one data_action"),
        (OWN.replace("needs = [{", 'holder = "admin_user"\nneeds = [{', 1), "either needs or a holder"),
        (OWN.replace("needs = [{", 'rights = ["get"]\nneeds = [{', 1), "rights belong to a holder"),
        ('[capabilities.none]\ntitle = "None"\nways = []\n', "no way is given"),
        (OWN.replace("Microsoft.App/jobs/read", "read"), "capabilities.read_job.ways[0].needs[0].action"),
        (OWN.replace("[capabilities.tag_job]", "[capabilities.tag_job"), "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(tmp_path, wrong, said):
    path = _written(tmp_path, wrong)
    with pytest.raises(ConfigError) as caught:
        capabilities.read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
