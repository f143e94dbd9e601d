"""With DEEPMED_REQUIRE_ALL=1 a test that is skipped is a test that failed.

A developer's machine may lack a browser; the machine that decides may not.
"""

import os
from collections.abc import Generator

import pytest

VARIABLE = "DEEPMED_REQUIRE_ALL"


def required() -> bool:
    return os.environ.get(VARIABLE) == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # A test that is expected to fail is reported as skipped too, but it did run.
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse(report, item.nodeid)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped:
        _refuse(report, collector.nodeid)
    return report


def _refuse(report: pytest.TestReport | pytest.CollectReport, name: str) -> None:
    if required():
        report.outcome = "failed"
        report.longrepr = f"{name} was skipped, and {VARIABLE}=1 allows no skip: {_reason(report)}"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    location = report.longrepr
    return str(location[2] if isinstance(location, tuple) else location)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud, in one line each, what was left untested and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    for reason in sorted({_reason(report) for report in skipped}):
        count = sum(_reason(report) == reason for report in skipped)
        terminalreporter.write_line(f"NOT TESTED ({count}): {reason}", yellow=True, bold=True)
