"""The process holds a device that CRIU cannot dump.

What it looks at
----------------
"Can't dump file N of that type" with a character or block device, mappings of devices, other anonymous kernel
objects, failures of GPU plugins.

Why it matters
--------------
What lies behind a device file (a GPU, a KVM guest, an InfiniBand card, FUSE) is known only to its driver. CRIU needs
a plugin for it; there are some for AMD and NVIDIA GPUs, and each covers certain versions and certain files.

What to do
----------
Release the device before the dump (for NVIDIA: cuda-checkpoint), install the plugin for it, or do without the device
in this program.

When it is wrong
----------------
"cuda_plugin: Failed to launch cuda-checkpoint" is harmless for processes that use no GPU.

References
----------
criu/files-ext.c, criu/plugin.c; plugins/amdgpu, plugins/cuda in CRIU's tree.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG059"
NAME = "device-fd-unsupported"
SINCE = "0.1"

CAUSE = Cause(
    "A process holds a device (a GPU or another special file) that CRIU cannot dump, or the plugin for it failed.",
    (
        Sign("an't dump file", r"an't dump file (?P<fd>\d+) of that type \[(?P<mode>[26]\d+)\]"),
        Sign(("Unknown shit", "an't dump file"), r"^(?!.*io_uring).*(?:Unknown shit|anon_inode|\[0?600\])"),
        Sign(
            (
                "handle_device_vma plugin failed",
                "an't handle non-regular mapping",
                "Strange file mapped at",
                "Unsupported mapping found",
            ),
            r"^(?!.*io_uring)",
        ),
        Sign(
            ("amdgpu_plugin", "cuda_plugin", "cuda-checkpoint", "CUDA", "nvidia"),
            r"^(?!.*Failed to launch cuda-checkpoint).*(?i:error|fail|not supported|unsupported|timed? ?out)",
            without=r"bad size|lookup mount|No mapping for|bind-mount",
            weight=Weight.HINT,
        ),
        Sign(form=r"/dev/(?:nvidia|kfd|dri|infiniband|fuse|vfio|kvm|uinput|snd|video)", weight=Weight.HINT),
        Sign(
            file="amdgpu_plugin.c amdgpu_plugin_topology.c amdgpu_plugin_drm.c cuda_plugin.c",
            message="A process uses a GPU, and CRIU's plugin for it could not save or restore the state of the device.",
        ),
        Sign(file="files-ext.c tun.c", weight=Weight.PLACE),
    ),
    advice(
        "Release the device before the dump, or run this program without it: `ls -l /proc/PID/fd` shows which file "
        "it is.",
        "For a GPU install CRIU's plugin for it and a driver that it supports (NVIDIA: cuda-checkpoint and driver "
        "555 or newer).",
        kubernetes="Do not request the device (resources.limits) for pods that are to be checkpointed.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
