"""What an owner's trainings are told unless told otherwise, as the data folder keeps it.

A row of the database: every server and worker on the data folder sees the same, two changes at a
time do not mix, and a backup holds it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepmed.core.audit import repository as audit
from deepmed.core.home import Home
from deepmed.features.xray.configuration.manager import ConfigManager
from deepmed.features.xray.configuration.repository import defaults_of
from deepmed.features.xray.tables import XrayDefaults
from deepmed.kit import clock

Values = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class OwnersDefaults:
    """Another owner's do not exist here."""

    home: Home

    def values(self) -> Values:
        """Sections with what the owner has set."""
        with self.home.database.read() as session:
            row = defaults_of(session, self.home.owner_id)
        return {} if row is None else row.values

    def config(self, changes: Mapping[str, Any] | None = None) -> ConfigManager:
        """The owner's configuration, changed by sections with values.

        Raises:
            ValidationError: a key is unknown, or a value is not acceptable.
        """
        return ConfigManager(merged(self.values(), changes or {}))

    def change(self, changes: Mapping[str, Any]) -> ConfigManager:
        """Keep these values from now on; what they do not name stays.

        Raises:
            ValidationError: one of them is not acceptable, or not with the others; nothing was
                changed.
        """
        with self.home.database.write() as session:
            row = defaults_of(session, self.home.owner_id)
            values = merged({} if row is None else row.values, changes)
            found = ConfigManager(values)
            if row is None:
                session.add(XrayDefaults(owner_id=self.home.owner_id, values=values))
            else:
                row.values, row.changed_at = values, clock.now()
            audit.record(
                session, self.home.owner_id, "xray.defaults", "xray_defaults", 0, changes=changes
            )
        return found


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Both, section by section.

    >>> merged({"system": {"seed": 1}}, {"system": {"test_split": 0.2}})
    {'system': {'seed': 1, 'test_split': 0.2}}
    """
    found = dict(values)
    for section, inside in changes.items():
        before = found.get(section, {})
        both = isinstance(inside, Mapping) and isinstance(before, Mapping)
        found[section] = {**before, **inside} if both else inside
    return found
