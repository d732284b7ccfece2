"""What lies around the sockets: processes, memory, files, mounts, cgroups, the kernel."""

from tests.contract.log_messages.harmless import HARMLESS

AROUND = (
    (HARMLESS, "dump: Error (criu/util.c:1): exited, status=1\nDumping finished successfully"),
    (HARMLESS, "dump: Error (criu/util.c:1): exited, status=1\nWarn  (criu/kerndat.c:1): Can't load /run/criu.kdat"),
    ("pid-collision", "restore: Error (criu/cr-restore.c:1): Can't fork for 1904315: File exists"),
    ("pid-collision", "restore: Error (criu/cr-restore.c:1): Pid 17550 do not match expected 16817"),
    ("pid-collision", "restore: Error (criu/pstree.c:1): Current gid 2443411 intersects with pid (255) in images"),
    ("file-changed-or-missing", "restore: Error (criu/files-reg.c:1): File tmp/run.log has bad size 0 (expect 74)"),
    (
        "file-changed-or-missing",
        "restore: Error (criu/files-reg.c:1): File dev/null has bad mode 020666 (expect 0100644)",
    ),
    (
        "file-changed-or-missing",
        "restore: Error (criu/files-reg.c:1): Can't open file a/b on restore: No such file or directory",
    ),
    (
        "file-changed-or-missing",
        "dump: Error (criu/files-reg.c:1): Can't dump ghost file /x of 9000000 size, increase limit",
    ),
    (
        "file-changed-or-missing",
        "dump: Error (criu/files-reg.c:1): Can't create link remap for /x. Use link-remap option.",
    ),
    ("image-incompatible", "restore: Error (criu/image.c:1): Unexpected EOF on (empty-image)"),
    ("image-incompatible", "restore: Error (criu/pagemap.c:1): Can't read mapping page 0: No such file or directory"),
    ("image-incompatible", "restore: Error (criu/page-read.c:1): No parent for snapshot pagemap"),
    ("image-incompatible", "restore: Error (criu/image.c:1): Too old image, no longer supported"),
    ("image-incompatible", "restore: Error (criu/image.c:1): Not supported images version 3"),
    ("image-incompatible", "restore: Error (criu/include/image.h:1): BUG at criu/include/image.h:177"),
    ("image-incompatible", "restore: Error (criu/protobuf.c:1): Failed unpacking object 0x1 from core-1.img"),
    ("kernel-newer-than-criu", "dump: Error (criu/vdso.c:1): vdso: Unexpected rt vDSO area bounds"),
    (
        "kernel-newer-than-criu",
        "dump: Error (criu/kerndat.c:1): kerndat_vdso_fill_symtable failed when initializing kerndat.",
    ),
    (
        "kernel-newer-than-criu",
        "dump: Error (criu/cr-dump.c:1): Kernel reports more capabilities than this CRIU supports: 42 > 40",
    ),
    (
        "kernel-newer-than-criu",
        (
            "dump: (00.1) Found VVAR area without support\n"
            "Error (criu/cr-dump.c:1): Collect mappings (pid: 5) failed with -1"
        ),
    ),
    (
        "kernel-newer-than-criu",
        (
            "restore: pie: 65: Error (criu/pie/parasite-vdso.c:1): vdso: Can't find vDSO area in image\n"
            "pie: 65: Error (criu/pie/restorer.c:1): Restorer fail 65"
        ),
    ),
    (
        "kernel-newer-than-criu",
        (
            "dump: Warn  (compel/arch/x86/src/lib/cpu.c:1): cpu: fpu: max xsave frame exceed xsave_struct (11008 9)\n"
            "Error (compel/arch/x86/src/lib/infect.c:1): Can't set FPU registers for 306: Bad address"
        ),
    ),
    ("kernel-feature-missing", "dump: Error (criu/kerndat.c:1): Could not initialize kernel features detection."),
    (
        "kernel-feature-missing",
        (
            "Error (criu/libnetlink.c:1): -95 reported by netlink: Operation not supported\n"
            "Error (criu/net.c:1): Unable to create a veth pair: -95\n"
            "Error (criu/cr-check.c:1): /proc/sys/kernel/sem_next_id is inaccessible: No such file or directory\n"
            "Does not look good."
        ),
    ),
    (
        "kernel-feature-missing",
        'dump: Error (criu/kerndat.c:1): Unexpected error from memfd_create("", MFD_HUGETLB): Function not implemented',
    ),
    ("criu-usage-or-build", "dump: Error (criu/action-scripts.c:1): One of more action scripts failed"),
    ("criu-usage-or-build", "dump: Error (criu/cr-service.c:1): RPC client reported script error"),
    ("fd-mount-not-visible", "dump: Error (criu/files-reg.c:1): Can't lookup mount=24 for fd=0 path=/dev/null"),
    (
        "mount-unsupported-or-unmapped",
        (
            "dump: sh: 1: iptables: not found\n(00.3) Error (criu/mount.c:1): mnt: 5:./run doesn't have a proper root "
            "mount\n(00.4) Error (criu/cr-dump.c:1): Dumping FAILED."
        ),
    ),
    (
        "mount-unsupported-or-unmapped",
        "dump: Error (criu/mount.c:1): mnt: 554:./etc/hosts doesn't have a proper root mount",
    ),
    (
        "mount-unsupported-or-unmapped",
        (
            "dump: Error (criu/mount.c:1): mnt: Mount 821 ./debugfs (master_id: 27 shared_id: 0) has unreachable "
            "sharing. Try --enable-external-masters."
        ),
    ),
    (
        "mount-unsupported-or-unmapped",
        "dump: Error (criu/mount.c:1): mnt: FS mnt ./x dev 0x2c root / unsupported id 71",
    ),
    (
        "mount-unsupported-or-unmapped",
        "restore: Error (criu/mount-v2.c:1): mnt-v2: Failed to open_tree /x: No such file or directory",
    ),
    ("mount-unsupported-or-unmapped", "restore: Error (criu/mount.c:1): mnt: No mapping for 9337:(null) mountpoint"),
    (
        "cgroup-restore",
        "restore: Error (criu/cgroup.c:1): cg: Can't move 1 into unified//x/cgroup.procs (-1/-1): Bad file descriptor",
    ),
    ("cgroup-restore", "restore: Error (criu/cgroup.c:1): cg: Failed closing cpuset/x/cpuset.cpus: Invalid argument"),
    (
        "cgroup-restore",
        (
            "dump: Error (criu/seize.c:1): Unable to freeze cgroup /sys/fs/cgroup/freezer/x (10 x 100ms attempts, "
            "timeout: 1s)"
        ),
    ),
    (HARMLESS, "restore: Error (criu/cgroup.c:1): cg: cgroupd: recv req error: No such file or directory"),
    (
        "session-leader-outside",
        "dump: Error (criu/cr-dump.c:1): A session leader of 125(1) is outside of its pid namespace",
    ),
    (
        "session-leader-outside",
        "dump: Error (criu/cr-dump.c:1): The root process 5 is not a session leader. Consider using --shell-job option",
    ),
    (
        "unsupported-socket-type",
        "dump: Error (criu/sockets.c:1): sockets: Can't get socket filter len: Permission denied",
    ),
    ("ip-missing", "dump: Error (criu/sockets.c:1): sockets: Can't get bound dev: No such device"),
    ("namespace-unsupported", "restore: Error (criu/sockets.c:1): sockets: Unable to find a network namespace"),
    ("image-incompatible", "restore: Error (criu/sk-inet.c:1): inet: Addr len mismatch f 2 ss 1 rs 4"),
    ("image-incompatible", "restore: Error (criu/sk-inet.c:1): inet: Wrong socket in listen state 3"),
    ("criu-usage-or-build", "dump: Error (criu/action-scripts.c:1): Script /etc/criu/hook.sh exited with 1"),
    ("criu-usage-or-build", 'dump: Error (criu/util.c:1): execvp("ip", ...) failed: No such file or directory'),
    (
        "tty-external",
        "restore: Error (criu/files-reg.c:1): Can't open file dev/tty on restore: No such device or address",
    ),
    ("tty-external", "restore: Error (criu/tty.c:1): tty: Don't have tty to inherit session from, aborting"),
    ("tty-external", "dump: Error (criu/tty.c:1): tty: Found dangling tty with sid 5 pgid 6 (pts) on peer fd 0."),
    (
        "tty-external",
        "dump: Error (criu/tty.c:1): tty: ctty inheritance detected sid/pgrp 5, no PTY peer with sid/pgrp needed",
    ),
    (
        HARMLESS,
        "restore: Error (criu/tty.c:1): tty: Can't set tty params on 0x17, trying to skip...: Operation not permitted",
    ),
    ("io-uring", "dump: Error (criu/proc_parse.c:1): Unknown shit 600 (anon_inode:[io_uring])"),
    ("device-fd-unsupported", "dump: Error (criu/files-ext.c:1): Can't dump file 9 of that type [20666]"),
    ("device-fd-unsupported", "dump: Error (criu/proc_parse.c:1): Can't handle non-regular mapping on 5's map 7f00"),
    (
        "device-fd-unsupported",
        (
            "dump: (10.0) Error (criu/cr-dump.c:1): Timeout reached. Try to interrupt: 0\n"
            "(10.1) Error (cuda_plugin.c:1): cuda_plugin: Unable to read output of cuda-checkpoint: Interrupted system "
            "call\n(10.2) Error (criu/cr-dump.c:1): Dumping FAILED."
        ),
    ),
    ("device-fd-unsupported", "dump: Error (amdgpu_plugin.c:1): amdgpu_plugin: maps_get_dest_gpu failed 0"),
    (
        "unsupported-socket-type",
        "dump: Error (criu/files-ext.c:1): Can't dump file 9 of that type [140777] (unknown socket:[5])",
    ),
    (HARMLESS, "cuda_plugin: Failed to launch cuda-checkpoint to retrieve restore tid: Could not find restore thread"),
    ("seccomp-suspend", "dump: Error (compel/src/lib/ptrace.c:1): suspending seccomp failed: Invalid argument"),
    ("seccomp-suspend", "dump: Error (compel/src/lib/ptrace.c:1): suspending seccomp failed: Operation not permitted"),
    (
        "seccomp-suspend",
        "dump: Error (criu/seccomp.c:1): seccomp: Can't fetch filter on tid_real 5 i 0: Permission denied",
    ),
    (
        "lsm-blocks-parasite",
        (
            "restore: pie: 5: Error (criu/pie/restorer.c:1): Can't restore 0x7a11833f0000 mapping with "
            "0xfffffffffffffff3\npie: 5: Error (criu/pie/restorer.c:1): Restorer fail 5"
        ),
    ),
    (
        "lsm-blocks-parasite",
        "dump: Error (compel/src/lib/infect.c:1): Unable to connect a transport socket: Permission denied",
    ),
    (
        "missing-capability",
        "dump: Error (compel/src/lib/infect.c:1): Unseizable non-zombie 3916 found, state S, err -1/1",
    ),
    (
        "missing-capability",
        "dump: Error (criu/proc_parse.c:1): Can't open 5's mapfile link 400000: Operation not permitted",
    ),
    ("missing-capability", "dump: Error (criu/cr-dump.c:1): Can't get rlimit 0: Operation not permitted"),
    ("missing-capability", "dump: Error (criu/crtools.c:1): You need to be root to run this command"),
    (
        "missing-capability",
        (
            "restore: pie: 7: Error (criu/pie/restorer.c:1): prctl failed @1850 with -1\n"
            "pie: 7: Error (criu/pie/restorer.c:1): Restorer fail 7"
        ),
    ),
    (
        "missing-capability",
        "restore: Error (criu/timens.c:1): Unable to set a monotonic clock offset: Operation not permitted",
    ),
    ("namespace-unsupported", "restore: Error (criu/timens.c:1): Unable to set a boottime clock offset: Out of range"),
    ("missing-capability", "restore: Error (criu/pipes.c:1): Unable to set a pipe size: Operation not permitted"),
    (
        "missing-capability",
        "dump: pie: 9203: Error (criu/pie/parasite.c:1): can't dump unpriviliged task whose /proc doesn't belong to it",
    ),
    ("restored-task-crash", "restore: Error (criu/cr-restore.c:1): 7 killed by signal 11: Segmentation fault"),
    ("restored-task-crash", "restore: Error (criu/cpu.c:1): cpu: CPU instruction capabilities do not match run time"),
    (HARMLESS, "restore: Error (criu/cr-restore.c:1): 3127 killed by signal 9: Killed"),
    ("namespace-unsupported", "dump: Error (criu/namespaces.c:1): Can't dump nested pid namespace for 5"),
    (
        "namespace-unsupported",
        "dump: Error (criu/namespaces.c:1): One or more namespaces doesn't belong to the target user namespace",
    ),
    ("criu-usage-or-build", "dump: Error (compel/src/lib/infect.c:1): The criu itself is within dumped tree."),
    (
        "criu-usage-or-build",
        "restore: Error (criu/uffd.c:1): uffd: connect to lazy-pages.socket failed: No such file or directory",
    ),
    (
        "criu-usage-or-build",
        (
            "dump: Error (criu/file-lock.c:1): Some file locks are hold by dumping tasks! You can try --file-locks to "
            "dump them."
        ),
    ),
    ("criu-bug", "restore: Error (criu/rst-malloc.c:1): BUG at criu/rst-malloc.c:130"),
    ("criu-bug", "dump: Error (criu/image.c:1): Can't write img file: Bad address"),
    (
        "criu-bug",
        (
            "dump: epoll: kid_lookup_epoll: no match pid 5 efd 21 tfd 3 toff 0\n"
            "Error (criu/cr-dump.c:1): Dump eventpoll (pid: 5) failed with -1"
        ),
    ),
    (
        "criu-bug",
        (
            "restore: (00.1)  37: Error (criu/files.c:1): Unable to open fd=4 id=0x7\n"
            "(00.2) Error (criu/cr-restore.c:1): Restoring FAILED."
        ),
    ),
    (
        "criu-bug",
        "restore: Failed to restore: ftell: Illegal seek\nError (criu/net.c:1): IP tool failed on route restore",
    ),
    ("criu-bug", "restore: Error (criu/memfd.c:1): Can't set permissions of memfd:/dev/zero: Bad file descriptor"),
    ("run-failed", "dump: (00.5) Error (criu/cr-dump.c:1): Timeout reached. Try to interrupt: 5"),
    ("run-failed", "dump: (00.5) Error (criu/image.c:1): Can't write img file: No space left on device"),
    (
        "cgroup-restore",
        (
            "dump: (00.1) freezer.state=FREEZING\n"
            "(10.0) Error (criu/cr-dump.c:1): Timeout reached. Try to interrupt: 0\n(10.1) freezer.state=FREEZING"
        ),
    ),
    (
        "file-changed-or-missing",
        "restore: Error (criu/sk-unix.c:1): unix: Can't bind id 0x81 ino 7 addr /run/app/s: No such file or directory",
    ),
    ("unix-external-peer", "restore: Error (criu/sk-unix.c:1): unix: Can't clear socket's peer: Invalid argument"),
    ("netns-link-exists", "restore: Warn  (criu/libnetlink.c:1): ERROR -22 reported by netlink"),
    (
        "kernel-newer-than-criu",
        "dump: Error (criu/proc_parse.c:1): two nonconsecutive vvar vma-s: 7ffd1000-7ffd5000 7ffd9000-7ffdd000",
    ),
    ("kernel-newer-than-criu", "dump: Error (criu/cr-dump.c:1): unsupported RSEQ ABI version = 3"),
    ("kernel-feature-missing", "dump: Error (criu/uffd.c:1): UFFD is not supported"),
    ("kernel-feature-missing", "restore: Error (criu/vdso.c:1): Compatible mode without vdso map support"),
    ("missing-capability", "restore: pie: 14: Error (criu/pie/restorer.c:1): Unable to restore capabilities: -1"),
    (
        "missing-capability",
        "restore: pie: 14: Error (criu/pie/restorer.c:1): Unable to set real, effective and saved user ID: -1",
    ),
    ("lsm-blocks-parasite", "dump: Error (compel/src/lib/infect.c:1): compel_syscall for mprotect failed"),
    (
        "mount-unsupported-or-unmapped",
        "restore: Error (criu/mount.c:1): mnt: Can't remove the directory /tmp/.criu.mntns.x: Device or resource busy",
    ),
    ("image-incompatible", "restore: Error (criu/cr-restore.c:1): Core task state data missed"),
    ("image-incompatible", "restore: Error (criu/pagemap.c:1): Reached EOF unexpectedly while reading page from image"),
    ("criu-usage-or-build", "Error (criu/config.c:1): --restore-detached and --exec-cmd cannot be used together"),
    (
        "criu-usage-or-build",
        "dump: Error (criu/parasite-syscall.c:1): Can't dump task 7 running in 32-bit mode",
    ),
    ("criu-usage-or-build", "dump: Error (criu/file-lock.c:1): Unknown file lock style!"),
    ("criu-usage-or-build", "dump: Error (criu/cr-dump.c:1): Pre dump script failed with 1!"),
    ("criu-bug", "restore: Error (criu/eventpoll.c:1): epoll: Can't add event on 0x00000a: Operation not permitted"),
    (
        "criu-bug",
        "restore: Error (criu/pidfd.c:1): pidfd: Could not wait on temporary process with pid: 6: No child processes",
    ),
    ("tcp-half-closed-old-kernel", "dump: Error (sk-tcp.c:1): Socket state 8  obtained but expected 7"),
    ("run-failed", "dump: Error (compel/src/lib/infect.c:1): Unseizable non-zombie 3916 found, state D, err -1/4"),
    (
        "file-changed-or-missing",
        "restore: Error (criu/files-reg.c:1): Can't create ghost regfile: Read-only file system",
    ),
    ("criu-bug", "restore: Error (criu/util.c:1): fd 0 already in use (called at criu/files.c:992)"),
    ("run-failed", "restore: Error (criu/cr-restore.c:1): Restoring FAILED."),
    (HARMLESS, "dump: Error (criu/crtools.c:1): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted"),
    (HARMLESS, "dump: Warn  (compel/arch/x86/src/lib/infect.c:1): Will restore 4995 with interrupted system call"),
    (HARMLESS, "dump: Warn  (criu/kerndat.c:1): Can't keep kdat cache on non-tempfs"),
    (HARMLESS, "restore: Warn  (criu/sk-unix.c:1): unix: Shutdown mismatch 1:0 -> 2:1"),
    (HARMLESS, "dump: Warn  (criu/net.c:1): Unable to get tun network namespace"),
    (HARMLESS, "dump: Error (criu/libnetlink.c:1): Can't send request message: Permission denied"),
    (HARMLESS, "dump: Error (criu/util.c:1): Unable to create the binfmt_misc file system: Operation not permitted"),
    (
        HARMLESS,
        (
            "dump: Error (criu/libnetlink.c:1): -45 reported by netlink: Operation not supported\n"
            "Error (criu/net.c:1): Unable to create a veth pair: -45"
        ),
    ),
    (HARMLESS, "dump: Warn  (criu/log.c:1): The early log isn't empty"),
    (HARMLESS, "restore: pie: 7: Error (criu/pie/restorer.c:1): Failed to turn off repair mode on socket 4: errno 1"),
)
"""What stands beside the network."""
