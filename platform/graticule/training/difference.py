"""In what a training differs from the one that was begun in its folder, and what to do about it."""

from collections.abc import Mapping
from typing import Any

FILES = "files"
"""Where a record has what stands for the files of each source."""
Record = Mapping[str, Any]
"""What ``run.json`` says: ``recipe``, ``identity``, ``files`` of each source, ``finished`` …"""


def difference(out: str, old: Record, new: Record) -> str | None:
    """Return why a training cannot go on with the one in ``out``, and the remedy; ``None`` if it can.

    Args:
        out: Folder or URL of the training that was begun.
        old: Its record.
        new: What would be the record of the training that is asked for.
    """
    changed = _settings_changed(old.get("recipe", {}), new["recipe"])
    if changed:
        return (
            f"{out} holds the training of another recipe ({'; '.join(changed)});"
            " choose another --out, or add --overwrite"
        )
    if old.get("identity") == new["identity"]:
        return None
    return f"the run begun in {out} was trained {_on_what(old, new)}; {_remedy(out, old)}"


def _settings_changed(old: Record, new: Record) -> list[str]:
    before, now = _flat(old), _flat(new)
    return [
        f"{key} was {before.get(key)!r}, now {now.get(key)!r}"
        for key in dict.fromkeys((*now, *before))
        if before.get(key) != now.get(key)
    ]


def _flat(values: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """Return the values of tables by their names with dots, as ``--set`` takes them."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{under}{key}.") if isinstance(value, dict) else {f"{under}{key}": value}
    return flat


def _on_what(old: Record, new: Record) -> str:
    if FILES not in old:
        return "on data of which an earlier version noted only when they were written"
    before, now = _files(old), _files(new)
    every = list(dict.fromkeys((*now, *before)))
    changed = [key for key in every if before.get(key) != now.get(key)]
    if not changed:
        return "on the same files, but they were shared or held out in another way, or other weights began it"
    place, name = changed[0]
    source = (new[FILES] if changed[0] in now else old[FILES])[place]["source"]
    where = name if name == source else f"{name} of {source}"
    differ = "differs" if len(changed) == 1 else "differ"
    return f"on other data ({len(changed)} of {len(every)} files {differ}, first: {where})"


def _files(record: Record) -> dict[tuple[int, str], str]:
    """Return what stands for each file, by the place of its source and its name there."""
    return {
        (place, name): stamp
        for place, source in enumerate(record[FILES])
        for name, stamp in source["files"].items()
    }


def _remedy(out: str, old: Record) -> str:
    if old.get("finished"):
        return (
            f"choose another --out (with --start {out}/weights.safetensors to begin with what it learnt),"
            " or add --overwrite"
        )
    return "give what it was begun with to go on, or choose another --out; --overwrite deletes it"
