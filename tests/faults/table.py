"""Write the results as a table into the documentation. Change nothing outside of two markers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.faults.model import Case, Result
from tests.faults.results import Results
from tests.support.processes import ROOT

PAGE = ROOT / "docs" / "explanation" / "delivery.md"
BEGIN = "<!-- made by: python -m pytest tests/faults --faults=long --faults-table -->"
END = "<!-- end of what the fault suite measured -->"
NAMES = {"tcp": "TCP", "udp": "UDP", "tls1.2": "TLS 1.2", "tls1.3": "TLS 1.3"}
COLUMNS = (
    *("what goes wrong", "transport", "logs", "lost", "sent again"),
    *("lost by the documented program", "first log after, s", "longest stall, s"),
)

Row = list[tuple[Case, Result, Result | None]]


def write(results: Results) -> None:
    """Replace the table in the page, between the markers."""
    # Wait for all results first, so that the page changes at once.
    made = "\n".join([BEGIN, "", *format_lines(results), "", END])
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(before + made + rest.partition(END)[2], "utf-8")


def format_lines(results: Results) -> Iterator[str]:
    """Format the table in Markdown, one line for each fault and receiver."""
    yield f"| {' | '.join(COLUMNS)} |"
    yield "| --- " * len(COLUMNS) + "|"
    for row in _group_rows(results):
        yield f"| {' | '.join(_format_cells(row))} |"


def _group_rows(results: Results) -> list[Row]:
    rows: dict[tuple[str, str], Row] = {}
    for case in results.cases:
        ours = results.wait_for(case, "ours")
        if ours is not None:
            row = rows.setdefault((case.fault.name, case.receiver), [])
            row.append((case, ours, results.wait_for(case, "documented")))
    return list(rows.values())


def _format_cells(row: Row) -> list[str]:
    case = row[0][0]
    server = "" if case.receiver == "kit" or case.receiver in case.fault.name else case.receiver
    return [
        case.fault.name + (f" ({server})" if server else ""),
        ", ".join(_name_transport(each) for each, _, _ in row),
        f"{case.fault.logs:,}",
        _join_figures(row, lambda ours, _: f"{ours.lost:,}"),
        _join_figures(row, lambda ours, _: f"{ours.duplicated:,}"),
        _join_figures(row, lambda _, documented: f"{documented.lost:,}" if documented else "-"),
        f"{max(ours.first_log for _, ours, _ in row):.1f}",
        f"{max(ours.stall for _, ours, _ in row):.1f}",
    ]


def _name_transport(case: Case) -> str:
    tls = case.transport.startswith("tls")
    return "TLS" if tls and case.receiver != "kit" else NAMES[case.transport]


def _join_figures(row: Row, format_figure: Callable[[Result, Result | None], str]) -> str:
    """Join the figures of all transports. If they are equal, return one of them."""
    figures = [format_figure(ours, documented) for _, ours, documented in row]
    return figures[0] if len(set(figures)) == 1 else ", ".join(figures)
