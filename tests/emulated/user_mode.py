"""User Mode Linux: Debian's kernel as a program of this machine, for what needs no device."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.emulated import kernels, machine

MODULES = ("dm-mod", "dm-flakey")


def run_with_disk(script: str, image: Path, limit_s: float = 240) -> machine.Finished:
    """Run a shell script as root, with a disk of its own at `/dev/ubda`.

    The guest's root is this machine's, read-only, with an empty /tmp, /run and /opt (where the
    guard keeps its copy of what the owner sealed). It has dm-flakey. What is timed in there
    means nothing.
    """
    root = kernels.user_mode()
    found = [next(root.rglob(f"{name}.ko")) for name in MODULES]
    inserted = "\n".join(f"insmod {module}" for module in found)
    place = machine.REPOSITORY
    with tempfile.TemporaryDirectory(prefix="edge-door-") as temporary:
        init = Path(temporary, "init")
        init.write_text(f"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
{inserted}
# An empty /tmp must not hide a checkout that lies below it.
mount --bind {place} /mnt
for folder in tmp run opt; do mount -t tmpfs tmpfs /$folder; done
mkdir -p {place}
mount --move /mnt {place}
cd {place}
export HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={place}
{script}
echo "finished with status $?"
halt -f
""")
        init.chmod(0o755)
        kernel = root / "usr/bin/linux.uml"
        system = ("rootfstype=hostfs", "rootflags=/", "ro", f"init={init}", "quiet")
        devices = (f"ubd0={image}", "con=null", "con0=fd:0,fd:1")
        return machine.finished([str(kernel), "mem=1G", *system, *devices], limit_s)
