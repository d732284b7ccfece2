"""TCP connections and the locks on them."""

from tests.contract.log_messages.harmless import HARMLESS

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
