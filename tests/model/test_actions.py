from __future__ import annotations

import fnmatch

from hypothesis import given
from hypothesis import strategies as st

from audit.model.actions import Block, blocks, granted, matches

WORD = st.text("abcAB*", min_size=0, max_size=6)
ACTION = st.lists(st.text("abcAB", min_size=1, max_size=3), min_size=1, max_size=4).map("/".join)
PATTERN = st.lists(WORD, min_size=1, max_size=4).map("/".join)
BLOCK = st.builds(
    Block, actions=st.lists(PATTERN, max_size=3).map(tuple), not_actions=st.lists(PATTERN, max_size=3).map(tuple)
)


@given(st.lists(PATTERN, max_size=4), ACTION)
def test_a_star_stands_for_any_text_and_casing_does_not_count(patterns, action):
    spelled = [each.lower() for pattern in patterns for each in (pattern, *collapsed(pattern))]
    assert matches(patterns, action) is any(fnmatch.fnmatchcase(action.lower(), each) for each in spelled)


def collapsed(pattern):
    """A star that is a segment of its own, between others, may be no segment."""
    parts = pattern.split("/")
    for at in range(1, len(parts) - 1):
        if parts[at] == "*":
            fewer = "/".join([*parts[:at], *parts[at + 1 :]])
            yield from (fewer, *collapsed(fewer))


@given(st.lists(BLOCK, max_size=4), ACTION)
def test_blocks_are_judged_one_by_one(several, action):
    assert granted(several, action) is any(granted([each], action) for each in several)


@given(st.lists(BLOCK, max_size=3), BLOCK, ACTION)
def test_another_block_never_takes_anything_away(several, more, action):
    if granted(several, action):
        assert granted([*several, more], action)


@given(BLOCK, ACTION)
def test_excluding_an_action_takes_it_from_its_own_block(block, action):
    taken = Block(actions=block.actions, not_actions=(*block.not_actions, action.upper()))
    assert not granted([taken], action)


@given(BLOCK, ACTION)
def test_the_data_plane_is_asked_apart(block, action):
    assert not granted([block], action, data=True)
    mirrored = Block(data_actions=block.actions, not_data_actions=block.not_actions)
    assert granted([mirrored], action, data=True) is granted([block], action)


def test_no_block_grants_nothing_and_a_dot_is_a_dot():
    assert not granted([], "a/read")
    assert not matches(["Microsoft.App/*"], "MicrosoftXApp/jobs/read")
    assert matches(["*/read"], "Microsoft.App/jobs/READ")
    assert not matches(["Microsoft.App/jobs/read"], "Microsoft.App/jobs/read/more")


def test_a_star_between_slashes_may_stand_for_no_segment_at_all():
    assert matches(["Microsoft.KeyVault/vaults/*/read"], "Microsoft.KeyVault/vaults/read")
    assert matches(["Microsoft.KeyVault/vaults/*/read"], "Microsoft.KeyVault/vaults/secrets/versions/read")
    assert not matches(["Microsoft.KeyVault/vaults/*/read"], "Microsoft.KeyVault/vaultsread")
    assert not matches(["Microsoft.KeyVault/vaults/*"], "Microsoft.KeyVault/vaults")


def test_blocks_come_from_a_stored_list():
    stored = [{"actions": ["*"], "notActions": ["x/*"], "condition": None}, {"dataActions": ["d"]}]
    one, two = blocks(stored)
    assert (one.actions, one.not_actions, two.data_actions) == (("*",), ("x/*",), ("d",))
