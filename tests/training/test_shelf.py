import pickle

from graticule.training.shelf import Shelf


def filled(*keys: str, most: int) -> list[str]:
    """Return what was made, in order, when things of these keys, one byte a letter, were taken."""
    shelf: Shelf[str] = Shelf(len)
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key

    for key in keys:
        assert shelf.take(key, lambda key=key: make(key), most=most) == key
    return made


def test_what_fits_is_made_once():
    assert filled("a", "b", "a", "b", most=2) == ["a", "b"]


def test_what_was_not_taken_for_longest_goes():
    assert filled("a", "b", "a", "c", "a", "b", most=2) == ["a", "b", "c", "b"]


def test_the_last_thing_is_kept_whatever_its_size():
    assert filled("large", "large", most=1) == ["large"]


def test_it_travels_empty():
    shelf: Shelf[bytes] = Shelf(len)
    shelf.take("a", lambda: bytes(10_000), most=20_000)
    assert len(pickle.dumps(shelf)) < 500
