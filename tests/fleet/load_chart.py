"""What `load` measured, as a table in Markdown and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("collector", "dashboard", "broker", "doors")
MIB = 1024
_HEAD = (
    "doors",
    "events a second, wanted and stored",
    "door to database, p50 / p99",
    "door to browser, p50 / p99",
    "CPU of collector, dashboard, broker, doors",
    "memory of the same, MiB",
    "all back after the broker died, and nothing late",
    "load average",
)
Step = dict[str, Any]


def table(steps: list[Step]) -> str:
    rows = [_row(step) for step in steps]
    lines = [_HEAD, ("---",) * len(_HEAD), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _row(step: Step) -> tuple[str, ...]:
    used = ", ".join(f"{step['cpu'][part]:.2f}" for part in PARTS)
    memory = ", ".join(f"{step['memory_kib'][part] / MIB:.0f}" for part in PARTS)
    back = step["storm"]
    return (
        f"{step['doors']:,}",
        f"{step['rate']:g}, {step['stored_a_second']:g}",
        _pair(step["to_database_s"]),
        _pair(step["to_browser_s"]),
        f"{used} cores",
        memory,
        f"{back['online_s']:.0f} s, {back['caught_up_s']:.0f} s",
        f"{step['load_average']:g}",
    )


def _pair(ages: dict[str, float]) -> str:
    if "p50" not in ages:
        return f"{ages['n']} events: too few"
    return f"{ages['p50']:.2f} / {ages['p99']:.2f} s"


def draw(steps: list[Step], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    latency, cost = figure.subplots(1, 2)
    doors = [step["doors"] for step in steps]
    for name, key in (("database", "to_database_s"), ("browser", "to_browser_s")):
        for part, style in (("p50", "--"), ("p99", "-")):
            ages = [step[key].get(part) for step in steps]
            colour = "tab:blue" if name == "database" else "tab:orange"
            latency.plot(doors, ages, style, marker="o", color=colour, label=f"{name}, {part}")
    latency.set(xscale="log", yscale="log", xlabel="doors", ylabel="seconds", title="From the door")
    for part in PARTS:
        cost.plot(doors, [step["cpu"][part] for step in steps], marker="o", label=part)
    cost.set(xscale="log", xlabel="doors", ylabel="cores", title="CPU")
    for axes in (latency, cost):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=110)
