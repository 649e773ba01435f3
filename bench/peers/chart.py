"""The picture of the table: how many times better than each peer Fieldkeep is, W1 to W5, on a logarithmic scale. Needs matplotlib (extra `returns`)."""

from pathlib import Path
from typing import Any, Final

from bench.peers.table import MEANS

_AHEAD: Final = "#1d70b8"
_BEHIND: Final = "#d4351c"
_HATCH: Final = "//"  # a second sign beside colour


def draw(report: dict[str, Any], path: Path) -> None:
    """Write it, as the suffix of `path` says. Nothing is drawn for a run without peers."""
    found = {key.removeprefix("peer "): one["value"] for key, one in report["ratios"].items() if key.startswith("peer ")}
    if not found:
        return
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    mpl.rcParams["svg.hashsalt"] = "fieldkeep"  # the same run is drawn in the same bytes
    names = list(dict.fromkeys(key.split(" ", 1)[1] for key in found))[::-1]
    drawing = Figure(figsize=(15, 0.5 * len(names) + 1.8), layout="constrained")
    panels = drawing.subplots(1, len(MEANS), sharey=True)
    for panel, (workload, means) in zip(panels, MEANS.items(), strict=True):
        values = [found.get(f"{workload} {name}", 1.0) for name in names]
        bars = panel.barh(names, [value - 1 for value in values], left=1, color=[_AHEAD if value >= 1 else _BEHIND for value in values])
        for bar, value in zip(bars, values, strict=True):
            bar.set_hatch("" if value >= 1 else _HATCH)
            panel.annotate(
                f" {value:.2g} × ", (value, bar.get_y() + bar.get_height() / 2), va="center", ha="left" if value >= 1 else "right", fontsize=8
            )
        panel.set_xscale("log")
        panel.set_xlim(min(0.2, *values) / 6, max(5, *values) * 3)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
        panel.axvline(1, color="black", linewidth=1)
        panel.set_title(f"{workload}: {means}", fontsize=8)
    drawing.suptitle(
        f"How many times better than each peer Fieldkeep is (1: the same; hatched: behind). Medians of {report['repetitions']}, {report['scale']} load",
        fontsize=10,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
