"""The kernels under test: Debian's own, and `gpio-sim`, which Debian's kernels leave out.

`gpio-sim` is GPL kernel code: it is compiled here at test time and is no part of this project.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.emulated.debian import CACHE, Suite, sh

if TYPE_CHECKING:
    from pathlib import Path

X86 = Suite("bookworm", "amd64")
PI = Suite("trixie", "arm64")

# Debian's kernel has no IRQ simulator (which brings gpio-sim its edges), so that file is compiled
# into the module, with the one call that modules may make in place of the one they may not.
CORE_CALL = "handle_simple_irq(irq_to_desc(irqnum))"
MODULE_CALL = "generic_handle_irq(irqnum)"


@dataclass(frozen=True)
class Kernel:
    """A kernel image and the folder that holds `lib/modules/VERSION`."""

    image: Path
    root: Path
    version: str

    def modules(self, *names: str) -> list[Path]:
        """Files of these modules and what they need, in loading order."""
        order: list[Path] = []
        for name in names:
            shown = sh(
                *("modprobe", "--dirname", self.root, "--set-version", self.version),
                *("--config", "/dev/null", "--show-depends", name),
            )
            for line in shown.splitlines():
                kind, _, path = line.partition(" ")
                file = CACHE / path.split()[0] if kind == "insmod" else None
                if file and file not in order:
                    order.append(file)
        return order


def _kernel(suite: Suite, meta: str) -> Kernel:
    package = suite.depends(meta)
    version = package.removeprefix("linux-image-")
    root = suite.unpack(CACHE / package, package)
    if not (root / "lib").exists():  # a merged /usr in the package; modprobe looks in /lib
        (root / "lib").symlink_to("usr/lib")
    if not (root / f"lib/modules/{version}/modules.dep.bin").exists():
        sh("depmod", "--basedir", root, version)
    return Kernel(root / f"boot/vmlinuz-{version}", root, version)


def x86() -> Kernel:
    """Debian 12's amd64 kernel."""
    return _kernel(X86, "linux-image-amd64")


def pi() -> tuple[Kernel, Path]:
    """Debian 13's arm64 kernel and its description of a Raspberry Pi 3B."""
    kernel = _kernel(PI, "linux-image-arm64")
    tree = next(kernel.root.rglob("bcm2837-rpi-3-b.dtb"))
    return kernel, tree


def user_mode() -> Path:
    """Debian 12's kernel as a program: the folder with `usr/bin/linux.uml` and its modules."""
    return X86.unpack(CACHE / "user-mode-linux", "user-mode-linux")


def _headers(version: str) -> Path:
    """Kernel headers, unpacked in the cache and made to stand there."""
    base = version.removesuffix("-amd64")
    kbuild = "linux-kbuild-" + ".".join(base.split(".")[:2])
    names = (f"linux-headers-{version}", f"linux-headers-{base}-common", kbuild)
    root = X86.unpack(CACHE / f"headers-{version}", *names)
    tree = root / f"usr/src/linux-headers-{version}"
    makefile = tree / "Makefile"
    makefile.write_text(re.sub(r"(?<=[ =])/usr/src/", f"{root}/usr/src/", makefile.read_text()))
    for link in [path for path in (root / "usr/src").rglob("*") if path.is_symlink()]:
        target = str(link.readlink())
        if target.startswith("/usr/"):
            link.unlink()
            link.symlink_to(f"{root}{target}")
    return tree


def gpio_sim(kernel: Kernel) -> Path:
    """`gpio-sim` for Debian 12's kernel, compiled once."""
    folder = CACHE / f"gpio-sim-{kernel.version}"
    module = folder / "gpio-simulator.ko"
    if module.exists():
        return module
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    source = X86.unpack(folder / "source", "linux-source-6.1")
    archive = next(source.glob("usr/src/linux-source-*.tar.xz"))
    tree = archive.name.removesuffix(".tar.xz")
    names = ("drivers/gpio/gpio-sim.c", "drivers/gpio/gpiolib.h", "kernel/irq/irq_sim.c")
    sh(
        "tar",
        "-xJf",
        archive,
        "--transform=s,.*/,,",
        *(f"{tree}/{name}" for name in names),
        cwd=folder,
    )
    shutil.rmtree(source)
    simulator = folder / "irq_sim.c"
    simulator.write_text(simulator.read_text().replace(CORE_CALL, MODULE_CALL))
    (folder / "Makefile").write_text(
        "obj-m := gpio-simulator.o\ngpio-simulator-y := gpio-sim.o irq_sim.o\n"
    )
    sh("make", "-C", _headers(kernel.version), f"M={folder}", "modules")
    return module
