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

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    latency, cost, memory = figure.subplots(1, 3)
    doors = [step["doors"] for step in steps]
    for name, colour in (("database", "tab:blue"), ("browser", "tab:orange")):
        for part, style in (("p50", "--"), ("p99", "-")):
            ages = [step[f"to_{name}_s"].get(part) for step in steps]
            latency.plot(doors, ages, style, marker="o", color=colour, label=f"{name}, {part}")
    latency.set(ylim=0, ylabel="seconds", title="From the door")
    for part in PARTS:
        cost.plot(doors, [step["cpu"][part] for step in steps], marker="o", label=part)
        used = [step["memory_kib"][part] / MIB for step in steps]
        memory.plot(doors, used, marker="o", label=part)
    cost.set(ylim=0, ylabel="cores", title="CPU")
    memory.set(ylim=0, ylabel="MiB", title="Memory")
    for axes in (latency, cost, memory):
        axes.set(xscale="log", xlabel="doors")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=110)


def a_door_more(steps: list[Step]) -> str:
    """Memory that a door more takes, from the fewest doors measured to the most."""
    few, many = steps[0], steps[-1]
    more = many["doors"] - few["doors"]
    taken = (many["memory_kib"][part] - few["memory_kib"][part] for part in PARTS)
    each = ", ".join(f"{part} {kib / more:.1f} KiB" for part, kib in zip(PARTS, taken, strict=True))
    return f"a door more: {each}"
