import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from deepmed.core.audit import repository as audit
from deepmed.core.health import probes, thresholds
from deepmed.core.health.components import Alert, Finding, HealthStatus, State, worst
from deepmed.core.health.samples import Sampler, SystemMetrics, look
from deepmed.core.home import Home
from deepmed.kit import clock, logging
from deepmed.kit.http.problems import frames
from deepmed.kit.http.statistics import RequestStatistics

SYSTEM_ERROR = "system_error"
_log = logging.get(__name__)


class HealthMonitor:
    """Probes the server's parts when asked, and keeps the machine's load of a day.

    Args:
        home: whose database and files are probed.
        statistics: what requests did.
        models: a probe of the models, from whoever knows the features.
        sampler: the looks at the machine, one a minute.
    """

    def __init__(
        self,
        home: Home,
        statistics: RequestStatistics,
        models: probes.Probe,
        sampler: Sampler | None = None,
    ) -> None:
        self.home = home
        self.sampler = sampler or Sampler(partial(look, home.settings.home))
        self._probes: dict[str, Callable[[probes.Limits], Finding]] = {
            "database": lambda _limits: probes.database(home),
            "file_storage": lambda _limits: probes.file_storage(home),
            "system_resources": lambda limits: probes.system_resources(self.metrics(), limits),
            "ml_models": lambda _limits: models(),
            "api_endpoints": lambda limits: probes.api_endpoints(statistics, limits),
        }

    @property
    def component_names(self) -> list[str]:
        return list(self._probes)

    def check_all(self) -> dict[str, HealthStatus]:
        """Every component; `system_error` beside them where a probe itself failed."""
        limits = self._limits()
        found = {name: self._check(name, limits) for name in self._probes}
        failed = [name for name, status in found.items() if "error_type" in status.details]
        if failed:
            message = f"These could not be probed: {', '.join(failed)}. The log has the details."
            found[SYSTEM_ERROR] = HealthStatus(
                SYSTEM_ERROR, State.CRITICAL, message, {"components": failed}, clock.now(), 0.0
            )
        return found

    def check(self, component: str) -> HealthStatus | None:
        """One component; None where there is none of that name."""
        return self._check(component, self._limits()) if component in self._probes else None

    def get_overall_status(self, components: Mapping[str, HealthStatus]) -> State:
        return worst(status.status for status in components.values())

    def get_alerts(self, components: Mapping[str, HealthStatus]) -> list[Alert]:
        """One for each component that is not well, and for each share of the machine."""
        limits = self._limits()
        alerts = []
        for status in components.values():
            if status.component == "system_resources":
                alerts += _share_alerts(status, limits)
            elif status.status in {State.WARNING, State.CRITICAL}:
                alerts.append(
                    Alert(status.component, status.status, status.message, status.details)
                )
        return alerts

    def metrics(self) -> SystemMetrics:
        """The newest look; taken now where there is none yet."""
        latest = self.sampler.latest()
        return latest if latest is not None else self.sampler.sample()

    def get_metrics_history(self, hours: int) -> list[SystemMetrics]:
        return self.sampler.since(timedelta(hours=hours))

    def update_alert_thresholds(
        self, changes: Mapping[str, float], owner_id: int
    ) -> dict[str, float]:
        """Set some thresholds in somebody's name and return all of them.

        Raises:
            ValidationError: one is unknown or out of range; nothing was changed.
        """
        with self.home.database.write() as session:
            before = thresholds.current(session)
            thresholds.store(session, changes)
            after = thresholds.current(session)
            audit.record(
                session,
                owner_id,
                "health.thresholds",
                "settings",
                "health",
                before=before,
                after=after,
            )
            return after

    def _limits(self) -> dict[str, float]:
        """The defaults where the database, which a probe will report, does not answer."""
        try:
            with self.home.database.read() as session:
                return thresholds.current(session)
        except Exception as error:  # noqa: BLE001 - a health page must answer when all else fails
            _log.warning("no thresholds", error_type=type(error).__name__)
            return dict(thresholds.DEFAULTS)

    def _check(self, name: str, limits: probes.Limits) -> HealthStatus:
        begun = time.perf_counter()
        try:
            finding = self._probes[name](limits)
        except Exception as error:  # noqa: BLE001 - the same
            _log.error("probe failed", component=name, where=frames(error))
            finding = Finding(
                State.CRITICAL, "It does not answer.", {"error_type": type(error).__name__}
            )
        spent = round((time.perf_counter() - begun) * 1000, 3)
        return HealthStatus(
            name, finding.state, finding.message, finding.details, clock.now(), spent
        )


def _share_alerts(status: HealthStatus, limits: probes.Limits) -> list[Alert]:
    alerts = []
    for name, words in probes.SHARES.items():
        percent = status.details.get(name)
        state = State.HEALTHY if percent is None else probes.share_state(percent, limits[name])
        if state is not State.HEALTHY:
            message = f"The {words} is {percent:.0f} % in use; the threshold is {limits[name]:g} %."
            details = {"value": percent, "threshold": limits[name]}
            alerts.append(Alert(status.component, state, message, details))
    if "error_type" in status.details:
        alerts.append(Alert(status.component, status.status, status.message, status.details))
    return alerts
