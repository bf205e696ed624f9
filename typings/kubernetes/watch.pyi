from collections.abc import Callable, Iterator
from typing import Any

class Watch:
    def stream(self, func: Callable[..., Any], *words: str, **options: Any) -> Iterator[dict[str, Any]]: ...
