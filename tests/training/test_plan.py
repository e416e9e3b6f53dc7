"""Which examples a step sees follows from the seed alone."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.core.errors import ConfigError
from graticule.training.examples import ENDLESS
from graticule.training.plan import CROPS, Plan

sources = st.lists(st.tuples(st.integers(1, 12), st.floats(0.1, 5)), min_size=1, max_size=4)


@st.composite
def plans(draw) -> dict[str, Any]:
    drawn = draw(sources)
    return {
        "items": tuple(range(10 * k, 10 * k + size) for k, (size, _) in enumerate(drawn)),
        "shares": tuple(share for _, share in drawn),
        "batch": draw(st.integers(1, 8)),
        "steps": draw(st.integers(1, 8)),
        "seed": draw(st.integers(0, 2**31)),
    }


@settings(deadline=None)
@given(given_plan=plans(), epochs=st.integers(1, 5))
def test_a_source_is_passed_through_before_any_example_comes_again(given_plan, epochs):
    plan = Plan(**given_plan)
    for source, items in enumerate(plan.items):
        seen = [p for k in range(epochs) for step in plan.epoch(k) for p in step if p.source == source]
        counts = Counter(pick.index for pick in seen)
        assert set(counts) <= set(items)
        often = [counts[item] for item in items]
        assert max(often) - min(often) <= 1


@settings(deadline=None)
@given(given_plan=plans(), epoch=st.integers(0, 50))
def test_an_epoch_does_not_depend_on_those_before_it(given_plan, epoch):
    plan = Plan(**given_plan)
    same = Plan(**given_plan)
    for earlier in range(min(epoch, 3)):
        plan.epoch(earlier)
    assert plan.epoch(epoch) == same.epoch(epoch)


@settings(deadline=None)
@given(given_plan=plans(), epoch=st.integers(0, 5))
def test_steps_are_full_and_sources_have_their_shares(given_plan, epoch):
    plan = Plan(**given_plan)
    steps = plan.epoch(epoch)
    assert [len(step) for step in steps] == [plan.batch] * plan.steps
    counts = Counter(pick.source for step in steps for pick in step)
    for source, share in enumerate(plan.shares):
        exact = share / sum(plan.shares) * plan.batch * plan.steps
        assert abs(counts[source] - exact) < 1 + 1e-6


def test_epochs_seeds_and_picks_differ():
    plan = Plan(items=(range(40),), shares=(1.0,), batch=4, steps=10, seed=0)
    other = Plan(items=(range(40),), shares=(1.0,), batch=4, steps=10, seed=1)
    picks = [pick for step in plan.epoch(0) for pick in step]
    assert plan.epoch(0) != plan.epoch(1) != other.epoch(1)
    assert len({pick.seed for pick in picks}) == len(picks)


def test_an_endless_source_gives_new_examples_in_every_epoch_a_few_crops_of_each():
    plan = Plan(items=(range(ENDLESS),), shares=(1.0,), batch=4, steps=5, seed=0)
    seen = [pick.index for epoch in range(4) for step in plan.epoch(epoch) for pick in step]
    assert len(seen) == 80
    assert sorted(set(seen)) == list(range(80 // CROPS))
    assert set(Counter(seen).values()) == {CROPS}


def test_a_source_with_nothing_to_train_on_leaves_its_share_to_the_others():
    plan = Plan(items=((), range(3), range(9)), shares=(5.0, 1.0, 3.0), batch=4, steps=2, seed=0)
    assert Counter(p.source for step in plan.epoch(0) for p in step) == {1: 2, 2: 6}


def test_a_source_of_share_0_is_not_drawn_from():
    plan = Plan(items=(range(3), range(3)), shares=(0.0, 2.0), batch=4, steps=2, seed=0)
    assert {p.source for step in plan.epoch(0) for p in step} == {1}


@pytest.mark.parametrize(("items", "shares"), [(((),), (1.0,)), (((), range(3)), (1.0, 0.0))])
def test_shares_that_draw_from_nothing_are_refused(items, shares):
    with pytest.raises(ConfigError, match="draw only from sources without images to train on"):
        Plan(items=items, shares=shares, batch=1, steps=1, seed=0)


@pytest.mark.parametrize("shares", [(), (1.0, 1.0), (0.0,), (-1.0,)])
def test_shares_that_make_no_sense_are_refused(shares):
    with pytest.raises(ConfigError, match="need one share"):
        Plan(items=(range(3),), shares=shares, batch=1, steps=1, seed=0)
