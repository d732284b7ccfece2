"""What CRIU, its libraries and its child programs print, and what it means; each as it stands in a log of its own.

Texts are those of CRIU's sources from 3.0 to 4.2 (``%d`` filled in); line numbers in ``(criu/x.c:1)`` mean nothing. A
message beginning with ``dump`` or ``restore`` says in which log it stands. All of them stand in this one table, in
which a reader looks for a text; there is no code beside them.
"""

HARMLESS = "harmless"

TCP = (
    ("tcp-queue-restore", "dump: Error (criu/sk-tcp.c:1): tcp: Can't save socket fd for repair: Too many open files"),
    ("netlock-iptables-tool", "dump: Error (criu/sk-tcp.c:1): tcp: Failed to lock TCP connection 2c9f1"),
    ("tcp-queue-restore", "dump: Error (criu/sk-tcp.c:1): tcp: libsoccr_save() failed with -5"),
    ("tcp-queue-restore", "restore: Error (criu/sk-tcp.c:1): tcp: No unsq len in the image"),
    ("tcp-queue-restore", "restore: Error (criu/sk-tcp.c:1): tcp: No rcv wscale in the image"),
    ("tcp-queue-restore", "restore: Error (criu/sk-tcp.c:1): tcp: No timestamp in the image"),
    ("tcp-queue-restore", "restore: Error (criu/sk-tcp.c:1): tcp: Unable to shutdown the socket id 1 ino 2: Bad"),
    (
        "tcp-flag-missing-dump",
        "dump: Error (criu/sk-inet.c:1): inet: Connected TCP socket, consider using --tcp-established option.",
    ),
    ("tcp-flag-missing-dump", "dump: Error (criu/sk-inet.c:1): Connected TCP socket, consider using tcp-established"),
    ("tcp-flag-missing-restore", "restore: Error (criu/sk-inet.c:1): inet: Connected TCP socket in image"),
    ("tcp-flag-missing-restore", "restore: Error (criu/cr-restore.c:1): Need to set the --tcp-close options."),
    ("tcp-in-flight", "dump: Error (criu/sk-inet.c:1): inet: In-flight connection (l) for 2c9f1"),
    (HARMLESS, "dump: inet: Skipping in-flight connection (l) for 2c9f1"),
    ("tcp-half-closed-old-kernel", "dump: Error (criu/sk-inet.c:1): inet: Unknown inet socket 2c9f1 state 8"),
    ("mptcp", "dump: Error (criu/sk-inet.c:1): inet: Unsupported proto 262 for socket 262b3"),
    ("unsupported-socket-type", "dump: Error (criu/sk-inet.c:1): inet: Unsupported proto 132 for socket 262b3"),
    ("unsupported-socket-type", "dump: Error (criu/sk-inet.c:1): inet: Unsupported proto 1 for socket 262b3"),
    (
        "unsupported-socket-type",
        "dump: Error (criu/sk-inet.c:1): inet: Can't dump 5 inet socket 2. Only stream, dgram and raw are supported.",
    ),
    ("unsupported-socket-type", "dump: Error (criu/sk-inet.c:1): inet: Can't dump corked dgram socket 262b3"),
    (HARMLESS, "dump: Warn  (criu/sk-inet.c:1): inet: Write queue of the 262b3 socket isn't empty"),
    (HARMLESS, "dump: Warn  (criu/sk-inet.c:1): inet: Read queue is dropped for socket 262b3"),
    ("namespace-unsupported", "dump: Error (criu/sk-inet.c:1): inet: Socket state 1 obtained but expected 7"),
    ("tcp-half-closed-old-kernel", "dump: Error (criu/sk-inet.c:1): Socket state 8 obtained but expected 7"),
    ("tcp-half-closed-old-kernel", "dump: Error (criu/sk-inet.c:1): Name resolved on unconnected socket"),
    ("tcp-queue-restore", "dump: Error (criu/sk-inet.c:1): inet: Failed to obtain TCP_INFO: Invalid argument"),
    ("ipv6-address-not-ready", "dump: Error (criu/sk-inet.c:1): inet: couldn't find ifname for 20, can't bind"),
    ("unsupported-socket-type", "restore: Error (criu/sk-inet.c:1): inet: Unsupported socket family: 40"),
    (
        "kernel-feature-missing",
        "restore: Error (criu/sk-inet.c:1): inet: Can't create inet socket: Protocol not supported",
    ),
    ("missing-capability", "restore: Error (criu/sk-inet.c:1): inet: Can't create inet socket: Permission denied"),
    ("port-in-use", "restore: Error (criu/sk-inet.c:1): inet: Can't listen on a socket: Address already in use"),
    ("port-in-use", "restore: Error (criu/sk-inet.c:1): inet: Can't bind inet socket (id 3): Address already in use"),
    ("port-in-use", "restore: Error (criu/sk-inet.c:1): inet: Can't bind inet socket (id 3): Address in use"),
    (
        "ip-missing",
        "restore: Error (criu/sk-inet.c:1): inet: Can't bind inet socket (id 3): Cannot assign requested address",
    ),
    ("ip-missing", "restore: Error (criu/sk-inet.c:1): inet: Can't bind inet socket (id 3): Address not available"),
    ("ip-missing", "restore: Error (criu/sk-inet.c:1): inet: couldn't find ifindex for eth7"),
    ("ip-missing", "restore: Error (criu/sk-inet.c:1): inet: Can't connect inet socket back: Network is unreachable"),
    (HARMLESS, "restore: inet: Called shutdown on closed socket, proto 6 ino 8f9eb0"),
    (
        "tcp-half-closed-old-kernel",
        "dump: Error (soccr/soccr.c:1): Can't turn TCP repair mode ON: Operation not permitted",
    ),
    ("tcp-queue-restore", "dump: Error (soccr/soccr.c:1): Unable to get size of snd queue: Invalid argument"),
    ("tcp-queue-restore", "dump: Error (soccr/soccr.c:1): Unknown state 6"),
    ("tcp-queue-restore", "dump: Error (soccr/soccr.c:1): \tsockopt failed: Protocol not available"),
    ("tcp-queue-restore", "dump: Error (soccr/soccr.c:1): Unable to get window properties: Invalid argument"),
    ("tcp-queue-restore", "dump: Error (soccr/soccr.c:1): \trecv failed (1973159, want 1959959): Success"),
    ("ip-missing", "restore: Error (soccr/soccr.c:1): Can't bind inet socket back: Cannot assign requested address"),
    ("ipv6-address-not-ready", "restore: Error (soccr/soccr.c:1): Can't bind inet socket back: Invalid argument"),
    ("ip-missing", "restore: Error (soccr/soccr.c:1): Can't connect inet socket back: Network is unreachable"),
    ("ip-missing", "restore: Error (soccr/soccr.c:1): Can't connect inet socket back: Invalid argument"),
    (
        "tuple-in-use",
        "restore: Error (soccr/soccr.c:1): Can't connect inet socket back: Cannot assign requested address",
    ),
    ("tcp-queue-restore", "restore: Error (soccr/soccr.c:1): Can't set repair queue: Operation not permitted"),
    ("tcp-queue-restore", "restore: Error (soccr/soccr.c:1): Can't set queue seq: Operation not permitted"),
    ("tcp-queue-restore", "restore: Error (soccr/soccr.c:1): Can't repair options: File too large"),
    ("tcp-queue-restore", "restore: Error (soccr/soccr.c:1): Can't set timestamp: Invalid argument"),
    (
        "tcp-queue-restore",
        (
            "restore: Error (soccr/soccr.c:1): Can't restore not-sent send queue data (-1), want (0-848:1:848): Broken "
            "pipe"
        ),
    ),
    (
        "tcp-queue-restore",
        "restore: Error (soccr/soccr.c:1): Can't restore 1 queue data (-1), want (5:5): Connection reset by peer",
    ),
    ("tcp-queue-restore", "restore: Error (soccr/soccr.c:1): Unable to set window parameters: Invalid argument"),
    ("missing-capability", "restore: Error (soccr/soccr.c:1): libnet_init failed (socket: Operation not permitted)"),
    (
        "firewall-drops-criu-packet",
        (
            "restore: Error (soccr/soccr.c:1): Unable to send a fin packet: libnet_write_raw_ipv4(): -1 bytes written "
            "(Operation not permitted)"
        ),
    ),
    ("tcp-queue-restore", "restore: Error (soccr/soccr.c:1): Unable to shut down a socket: Transport endpoint"),
    ("tcp-queue-restore", "restore: Error (soccr/soccr.c:1): Unable to handle listen sockets"),
)
"""sk-tcp.c, sk-inet.c and soccr.c."""

LOCK = (
    ("netlock-iptables-tool", "dump: Error (criu/netfilter.c:1): Iptables configuration failed"),
    (
        "netlock-rule-missing",
        (
            "restore: iptables: Bad rule (does a matching rule exist in that chain?).\n"
            "Error (criu/netfilter.c:1): Iptables configuration failed"
        ),
    ),
    (
        "netlock-rule-missing",
        (
            "restore: iptables v1.8.9 (nf_tables):  RULE_DELETE failed (No such file or directory): rule in chain x\n"
            "Error (criu/netfilter.c:1): Iptables configuration failed"
        ),
    ),
    ("netlock-iptables-tool", "dump: sh: 1: iptables: not found\nError (criu/util.c:1): exited, status=127"),
    (
        "netlock-iptables-tool",
        'dump: Error (criu/util.c:1): execvp("iptables-restore", ...) failed: No such file or directory',
    ),
    ("netlock-iptables-tool", "dump: iptables-restore: invalid option -- 'w'\nError (criu/util.c:1): exited, status=2"),
    (
        "netlock-iptables-tool",
        "dump: iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied",
    ),
    (
        "netlock-iptables-tool",
        (
            "dump: ip6tables-restore v1.8.2 (nf_tables): \nline 1: CHAIN_ADD failed (No such file or directory): chain "
            "INPUT"
        ),
    ),
    (
        "netlock-iptables-tool",
        (
            "dump: Error (criu/net.c:1): net: Locking network failed: iptables-restore returned 4. This may be "
            "connected to disabled CONFIG_NETFILTER_XT_MARK kernel build config option"
        ),
    ),
    ("netlock-iptables-tool", "dump: Error (criu/netfilter.c:1): nf: Locking connection failed using nftables"),
    ("netlock-iptables-tool", "dump: Error (criu/net.c:1): net: Locking network failed using nftables"),
    (
        "criu-usage-or-build",
        (
            "dump: Error (criu/netfilter.c:1): CRIU was built without libnftables support\n"
            "Error (criu/net.c:1): net: Locking network failed using nftables"
        ),
    ),
    (
        HARMLESS,
        "dump: Warn  (criu/kerndat.c:1): CRIU was built without libnftables support\nDumping finished successfully",
    ),
    (
        "netlock-leftover",
        "restore: Error: Could not process rule: File exists\ncreate table inet CRIU-660e2a43-99b0-4c54-a4",
    ),
    (
        "netlock-leftover",
        (
            "restore: Error: No such file or directory; did you mean table 'CRIU-62' in family inet?\n"
            "delete table inet CRIU-77"
        ),
    ),
    ("netlock-nft-duplicate", "restore: line 6: CHAIN_USER_DEL failed (Device or resource busy): chain CRIU"),
    (
        "netlock-nft-duplicate",
        "restore: line 5: CHAIN_DEL failed (Resource busy): chain CRIU\nRestore finished successfully. Tasks resumed.",
    ),
    ("netlock-iptables-tool", "restore: Error (criu/net.c:1): net: iptables-restore -w failed"),
    (
        "netlock-iptables-tool",
        "restore: Error (criu/net.c:1): net: Can't restore iptables dump - no legacy version present",
    ),
    (
        "criu-usage-or-build",
        "restore: Error (criu/net.c:1): Unable to restore nftables. CRIU was built without libnftables support",
    ),
    ("netns-link-exists", "restore: Error (criu/net.c:1): net: nft command error:\nError: table app exists"),
    (HARMLESS, "dump: net: skipping iptables dump - no legacy version present"),
    ("netns-external-not-mapped", "restore: Error (criu/net.c:1): net: Unable to find an external netns: extNetNs"),
    (
        "namespace-unsupported",
        "dump: Error (criu/net.c:1): net: Unable to dump more than one netns if the --emptyns is set",
    ),
    (
        "netns-external-not-mapped",
        "dump: Error (criu/net.c:1): net: Unable to dump a socket from an external network namespace",
    ),
    ("netns-link-exists", "restore: Error (criu/net.c:1): net: IP tool failed on route restore"),
    (HARMLESS, 'dump: Warn  (criu/net.c:1): net: Check if "ip rule save" is supported!\nDumping finished successfully'),
    (HARMLESS, "restore: RTNETLINK answers: File exists\nError: ipv4: Address already assigned."),
    (HARMLESS, "restore: Error: ipv6: address already assigned."),
    ("netns-external-not-mapped", "restore: Error (criu/net.c:1): net: Unknown peer net namespace"),
    (
        "netns-link-exists",
        "restore: Warn  (criu/libnetlink.c:1): ERROR -17 reported by netlink\nError (criu/net.c:1): Can't restore link",
    ),
    (
        "kernel-newer-than-criu",
        (
            "restore: Error (criu/libnetlink.c:1): -1 reported by netlink: Operation not permitted\n"
            "Error (criu/net.c:1): net: Can't restore link: -1"
        ),
    ),
)
"""netfilter.c, net.c and what iptables, nft and ip say."""

SOCKETS = (
    ("kernel-newer-than-criu", "dump: Error (criu/sockets.c:1): sockets: Can't get 1:16 opt: Operation not supported"),
    ("kernel-newer-than-criu", "dump: Error (criu/sockets.c:1): sockets: Can't get 1:34 opt: Not supported"),
    (
        "kernel-newer-than-criu",
        "restore: Error (criu/sockets.c:1): sockets: Can't set 1:16 (len 4): Operation not supported",
    ),
    ("ip-missing", "restore: Error (criu/sockets.c:1): sockets: Can't set 1:25 (len 4): No such device"),
    (
        "missing-capability",
        "restore: Error (criu/sockets.c:1): sockets: Can't set 1:36 (len 4): Operation not permitted",
    ),
    (
        HARMLESS,
        "dump: sockets: Sockets collect procedure family AF_INET proto IPPROTO_RAW: -2\nDumping finished successfully",
    ),
    (
        "sock-diag-missing",
        (
            "dump: sockets: Sockets collect procedure family AF_INET proto IPPROTO_TCP: -2\n(00.1) Error "
            "(criu/cr-dump.c:1): Dumping FAILED."
        ),
    ),
    ("sock-diag-missing", "dump: Error (criu/sockets.c:1): sockets: Sockets (family 2 proto 6) are not collected"),
    ("sock-diag-missing", "The sock diag infrastructure is incomplete."),
    (
        "missing-capability",
        (
            "restore: Error (criu/sockets.c:1): sockets: Unable to set socket SO_SNDBUFFORCE/SO_RCVBUFFORCE: Operation "
            "not permitted"
        ),
    ),
    ("unsupported-socket-type", "dump: Error (criu/sockets.c:1): sockets: BUG! Unknown socket collected (family 40)"),
    (HARMLESS, "dump: Error (criu/sockets.c:1): sockets: Diag module missing (-2)"),
    (HARMLESS, "dump: Error (criu/sockets.c:1): sockets: PROBE RECEIVED"),
    ("unsupported-socket-type", "dump: Error (criu/sk-queue.c:1): skqueue: Control messages in queue, not supported"),
    ("unsupported-socket-type", "dump: Error (criu/sk-queue.c:1): skqueue: sys_recvmsg failed: truncated"),
    ("unsupported-socket-type", "dump: Error (criu/sk-netlink.c:1): netlink: The socket has data to read"),
    ("unsupported-socket-type", "dump: Error (criu/sk-packet.c:1): No packet sock info in nlm"),
    ("unix-external-peer", "dump: Error (criu/sk-unix.c:1): unix: Can't dump half of stream unix connection."),
    (
        "unix-external-peer",
        "dump: Error (criu/sk-unix.c:1): unix: External socket is used. Consider using --ext-unix-sk option.",
    ),
    (
        "abstract-name-in-use",
        "restore: Error (criu/files.c:1): Can't bind transport socket /crtools-fd-1: Address already in use",
    ),
    (
        "abstract-name-in-use",
        "restore: Error (criu/files.c:1): Can't bind transport socket /crtools-fd-3-0: Address in use",
    ),
)
"""sockets.c and the families beside TCP."""

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

CONSOLE = (
    ("criu-usage-or-build", 'Error: runc: exec: "criu": executable file not found in $PATH'),
    ("criu-usage-or-build", "failed to checkpoint container: criu binary not found in shim path or system PATH"),
    ("criu-usage-or-build", "bash: criu: command not found"),
    ("missing-capability", "cannot checkpoint a rootless container"),
    (
        "mount-unsupported-or-unmapped",
        "Error: the container to restore (7f12) expects following bind mounts defined (/data)",
    ),
    (
        "ipv6-address-not-ready",
        (
            "Jul 08 15:06:14 node criu[3]: (00.206952)  8: inet: \tRestore: family AF_INET6 type SOCK_STREAM proto "
            "IPPROTO_TCP port 80 state TCP_LISTEN src_addr fe80::1\nJul 08 15:06:14 node criu[3]: (00.206999)  8: "
            "Error (criu/sk-inet.c:1): inet: Can't bind inet socket (id 5): Cannot assign requested address"
        ),
    ),
    (
        "tcp-flag-missing-dump",
        ("(00.685912) Error (criu/sk-inet.c:1): inet: Connected TCP socket, consider\nusing --tcp-established option."),
    ),
    (
        "run-failed",
        "Error (criu/cr-dump.c:1): Timeout reached. Try to interrupt: 0\nUnable to detach from 7\nDumping FAILED.",
    ),
    ("criu-usage-or-build", "Error: checkpoint/restore requires at least CRIU 31100"),
    (
        "criu-usage-or-build",
        "criu: error while loading shared libraries: libprotobuf-c.so.1: cannot open shared object file",
    ),
    (
        "run-failed",
        (
            "Error response from daemon: Cannot checkpoint container x: runc did not terminate sucessfully: criu "
            "failed: type NOTIFY errno 0"
        ),
    ),
    ("run-failed", "Error: OCI runtime error: CRIU restoring failed -52.  Please check CRIU logfile /x/restore.log"),
    (
        "rst-after-restore",
        "$ criu restore -D img --tcp-established -d; echo $?\n0\n$ tail app.log\nread: Connection reset by peer",
    ),
    (
        "rst-after-restore",
        "# podman container restore web\n# tcpdump\nIP 10.0.0.5.5000 > 10.0.0.9.80: Flags [R], seq 330, win 0",
    ),
    (
        "netlock-leftover",
        "# iptables -S\n-A INPUT -s 10.0.0.1/32 -p tcp -m mark ! --mark 0xc114 -m tcp --sport 5 -j DROP",
    ),
    (
        "netlock-leftover",
        "Chain CRIU (2 references)\n pkts bytes target prot\n 0 0 ACCEPT 0 mark match 0xc114\n 9 500 DROP 0",
    ),
    ("netlock-leftover", "# nft list tables\ntable inet CRIU-660e2a43-99b0-4c54-a4"),
    (
        "criu-config-not-applied",
        (
            "# cat /etc/criu/default.conf\ntcp-established\n# docker checkpoint create web c1\n"
            "(00.6) Error (criu/sk-inet.c:188): inet: Connected TCP socket, consider using --tcp-established option."
        ),
    ),
    (
        "time-wait-blocks-bind",
        (
            "(00.2)  5: Error (criu/sk-inet.c:1): inet: Can't bind inet socket (id 3): Address already in use\n"
            "# ss -tan\nTIME-WAIT 0 0 10.0.0.1:80 10.0.0.2:5000"
        ),
    ),
    (
        "tcp-kernel-regression",
        (
            "$ uname -r\n6.16.7-200.fc42.x86_64\n(00.013141) Error (soccr/soccr.c:94): Can't turn TCP repair mode ON: "
            "Operation not permitted"
        ),
    ),
    (
        "run-failed",
        "Error response from daemon: failed to retrieve OCI runtime container pid: open /run/x/init.pid: no such file",
    ),
    ("run-failed", "org.eclipse.openj9.criu.SystemCheckpointException: Could not dump the JVM processes, err=-52"),
    ("run-failed", "  Warning  Failed  6m  kubelet  Error: failed to restore container web: container restore failed"),
    (
        "criu-usage-or-build",
        "Error response from daemon: Cannot checkpoint container x: crun did not terminate: unknown command checkpoint",
    ),
    ("criu-usage-or-build", "Can't exec criu swrk: No such file or directory"),
    ("missing-capability", "Can't exec criu swrk: Operation not permitted"),
    (
        "criu-bug",
        "restore: Error (criu/proc_parse.c:1): Bad format in 0 mountinfo: 'lib/overlay2/l/E5P:/var/lib/overlay2/l/TPU'",
    ),
    (
        "criu-bug",
        (
            "restore: Error (criu/files.c:1): 371: Can't setup 15 file owner pid: No such process\n"
            "(1.0) Error (files-reg.c:1):  - XFail [/x] ghost: No such file or directory"
        ),
    ),
    (
        "netlock-leftover",
        (
            'time="2026-01-01T00:00:00Z" level=warning msg="388:internal:0:0-0: Error: Could not process rule: File '
            'exists"\ntime="2026-01-01T00:00:00Z" level=warning msg="390:(00.041) Error (criu/net.c:1): Locking '
            'network failed using nftables"'
        ),
    ),
    (
        "criu-usage-or-build",
        '"docker checkpoint create" is only supported on linux, but the Docker daemon is running on ""',
    ),
    ("criu-bug", 'time="2026-01-01T00:00:00Z" level=error msg="read unixpacket @->@: EOF"'),
    ("criu-bug", "dump: Error (compel/src/lib/infect.c:1): No suitable VM found"),
    (HARMLESS, "Error (soccr/soccr.c:1): Failed to turn off repair mode on socket: Bad file descriptor"),
    (HARMLESS, "Error (criu/cr-check.c:1): UFFD is not supported\nLooks good but some kernel features are missing"),
    (HARMLESS, "# podman container checkpoint web\nweb\n# podman container restore web\nweb"),
    (HARMLESS, "Looks good."),
)
"""Output of engines, shells and other tools."""
