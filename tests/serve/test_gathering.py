"""Batches gather while work is under way."""

import asyncio
from collections.abc import Sequence

import pytest

from serve.deadline import Deadline
from serve.gathering import Gathering
from serve.problems import Problem


def asked(things: Sequence[str], *, most: int = 8, cancelled: Sequence[int] = ()) -> tuple[list, list]:
    """Ask for things at once, the first a little earlier; return answers and batches."""
    batches: list[list[str]] = []

    async def work(batch: list[str]) -> list[str]:
        batches.append(batch)
        await asyncio.sleep(0.05)
        if "bad" in batch:
            raise ValueError("bad")
        return [thing.upper() for thing in batch]

    async def ask() -> list:
        gathered = Gathering(work, alike=lambda thing: thing[0], most=most)
        tasks = [asyncio.create_task(gathered(things[0]))]
        await asyncio.sleep(0.01)
        tasks += [asyncio.create_task(gathered(thing)) for thing in things[1:]]
        await asyncio.sleep(0.01)
        for number in cancelled:
            tasks[number].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(ask()), batches


def test_the_first_waits_for_nothing_and_the_others_share_a_batch():
    answers, batches = asked(["a1", "a2", "a3", "a4"])
    assert answers == ["A1", "A2", "A3", "A4"]
    assert batches == [["a1"], ["a2", "a3", "a4"]]


def test_only_things_alike_share_a_batch_and_the_first_to_come_is_first():
    answers, batches = asked(["a1", "b1", "a2", "b2", "a3"])
    assert answers == ["A1", "B1", "A2", "B2", "A3"]
    assert batches == [["a1"], ["b1", "b2"], ["a2", "a3"]]


def test_a_batch_has_its_most():
    _, batches = asked(["a1", "a2", "a3", "a4", "a5", "a6"], most=2)
    assert [len(batch) for batch in batches] == [1, 2, 2, 1]


def test_a_batch_that_fails_fails_alone():
    answers, _ = asked(["a1", "bad", "a2"])
    assert answers[::2] == ["A1", "A2"]
    assert isinstance(answers[1], ValueError)


def test_what_nobody_waits_for_is_not_worked_on():
    answers, batches = asked(["a1", "a2", "a3"], cancelled=[1])
    assert isinstance(answers[1], asyncio.CancelledError)
    assert batches == [["a1"], ["a3"]]


def test_a_deadline_ends_with_its_time_or_by_giving_up():
    deadline = Deadline(60)
    deadline.check()
    deadline.give_up()
    with pytest.raises(Problem) as told:
        deadline.check()
    assert told.value.status == 504
    assert Deadline(0).is_over
