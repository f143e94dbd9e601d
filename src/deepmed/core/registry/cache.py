from collections import OrderedDict
from threading import Lock

from deepmed.core.registry.manifest import Package


class PackageCache:
    """The packages that were read and checked last, up to a number of bytes in all.

    The key holds the manifest's hash, so a revision never answers for another.
    """

    def __init__(self, most_bytes: int = 256 << 20) -> None:
        self._most = most_bytes
        self._held: OrderedDict[str, Package] = OrderedDict()
        self._lock = Lock()

    def get(self, manifest_hash: str) -> Package | None:
        with self._lock:
            if manifest_hash in self._held:
                self._held.move_to_end(manifest_hash)
            return self._held.get(manifest_hash)

    def put(self, manifest_hash: str, package: Package) -> None:
        with self._lock:
            self._held[manifest_hash] = package
            self._held.move_to_end(manifest_hash)
            while self._held and sum(map(_bytes, self._held.values())) > self._most:
                self._held.popitem(last=False)

    def drop(self, manifest_hash: str) -> None:
        with self._lock:
            self._held.pop(manifest_hash, None)


def _bytes(package: Package) -> int:
    return sum(map(len, package.files.values()))
