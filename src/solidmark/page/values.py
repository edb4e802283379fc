"""Values as a page holds them: JSON for its script, and configurations line by line."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from solidmark.runs import tame


def script_json(value: Any) -> str:
    """JSON that may stand between script tags: nothing in it can end them or start markup."""
    text = json.dumps(_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Any) -> Any:
    """The same with every control in its text shown, since the script puts it into the page."""
    if isinstance(value, str):
        return tame(value)
    if isinstance(value, Mapping):
        return {_plain(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Configuration as name and value, one line an option: `readers.energy.count = 9`."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{name}.{number}")
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield name, text
