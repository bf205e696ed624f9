from collections.abc import Callable, Sequence

class WSClient:
    def is_open(self) -> bool: ...
    def update(self, timeout: float = 0) -> None: ...
    def read_channel(self, channel: int, timeout: float = 0) -> bytes: ...
    def write_stdin(self, data: bytes) -> None: ...
    def close(self) -> None: ...

def stream(
    api_method: Callable[..., object],
    name: str,
    namespace: str,
    *,
    command: Sequence[str],
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
    binary: bool,
    _preload_content: bool,
    _request_timeout: float,
) -> WSClient: ...
