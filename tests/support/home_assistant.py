"""A Home Assistant core in its own environment: connects to a broker and tells every state as JSON.

Run by its own Python: python home_assistant.py FOLDER PORT. It knows nothing of edge-door.
"""

# mypy: ignore-errors
from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from homeassistant import bootstrap, config_entries, core, loader

ENTRY = {
    "created_at": "2026-01-01T00:00:00+00:00",
    "data": {"broker": "127.0.0.1", "protocol": "5", "discovery": True},
    "disabled_by": None,
    "discovery_keys": {},
    "domain": "mqtt",
    "entry_id": "0" * 26,
    "minor_version": 2,
    "modified_at": "2026-01-01T00:00:00+00:00",
    "options": {},
    "pref_disable_new_entities": False,
    "pref_disable_polling": False,
    "source": "user",
    "subentries": [],
    "title": "broker",
    "unique_id": None,
    "version": 1,
}


async def _run(folder: Path, port: int) -> None:
    (folder / ".storage").mkdir(parents=True)
    (folder / "configuration.yaml").touch()
    entry = ENTRY | {"data": ENTRY["data"] | {"port": port}}
    stored = {
        "version": 1,
        "minor_version": 5,
        "key": "core.config_entries",
        "data": {"entries": [entry]},
    }
    (folder / ".storage/core.config_entries").write_text(json.dumps(stored))
    hass = core.HomeAssistant(str(folder))
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    # Its web server and what needs it are not of interest here.
    hass.http = SimpleNamespace(register_view=lambda _view: None)
    for component in ("http", "file_upload"):
        hass.config.components.add(component)

    def tell(state: Any) -> None:
        line = {"entity": state.entity_id, "state": state.state, "of": dict(state.attributes)}
        sys.stdout.write(json.dumps(line, default=str) + "\n")
        sys.stdout.flush()

    @core.callback  # in their order
    def changed(event: Any) -> None:
        if event.data["new_state"] is not None:
            tell(event.data["new_state"])

    hass.bus.async_listen("state_changed", changed)
    for state in hass.states.async_all():
        tell(state)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await hass.async_start()
    if not await hass.config_entries.async_setup(ENTRY["entry_id"]):
        sys.exit("MQTT could not be set up")
    await stop.wait()
    await hass.async_stop()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), int(sys.argv[2])))
