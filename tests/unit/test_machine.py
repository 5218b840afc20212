"""Ids and time, as the machine gives them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from mcp_memory.machine import new_ids, now


def test_ids_sort_in_the_order_in_which_they_were_asked_for() -> None:
    new_id = new_ids()
    ids = [new_id() for _ in range(5_000)]
    assert ids == sorted(ids)
    assert {len(one) for one in ids} == {26}


def test_no_id_comes_twice_from_threads_that_ask_at_once() -> None:
    new_id = new_ids()
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: new_id(), range(5_000)))
    assert len(set(ids)) == 5_000


def test_two_processes_do_not_make_the_same_ids() -> None:
    """Their sources are random within a millisecond."""
    one, other = new_ids(), new_ids()
    assert {one() for _ in range(100)}.isdisjoint({other() for _ in range(100)})


def test_the_present_is_in_utc() -> None:
    offset = now().utcoffset()
    assert offset is not None
    assert not offset
