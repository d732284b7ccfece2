"""What container engines and people's consoles show."""

from tests.contract.log_messages.harmless import HARMLESS

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
