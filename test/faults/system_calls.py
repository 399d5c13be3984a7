"""Follows the system calls by which a process changes files or answers clients, counted over all of its threads.

    system_calls.py PID FOLDER list|kill|hold|fail [N] [PART]

Prints one JSON line a call: {n, call, paths}. `kill` ends the process with SIGKILL at the entry of call N, which therefore
never happens. `fail` has call N on the folder fail with the error that PART names, and goes on. `hold` stops the thread at the entry of the first call on a path that has PART in it, until a line comes in.
(strace can inject a signal too, but counts for every thread by itself.)
"""

import ctypes
import errno
import json
import os
import select
import signal
import sys

SEIZE, INTERRUPT, LISTEN, SYSCALL, SYSCALL_INFO = 0x4206, 0x4207, 0x4208, 24, 0x420E
POKE_USER, AT_EXIT, RESULT, NUMBER, NO_CALL = 6, 2, 10 * 8, 15 * 8, 2**64 - 1
OPTIONS = 0x1 | 0x8  # TRACESYSGOOD, TRACECLONE
EVENT_STOP, ALL_THREADS, AT_FDCWD, CREATES = 128, 0x40000000, -100, 0o100

# x86-64: number → name, and where its arguments have descriptors (f), paths (p) and paths below a descriptor (a).
CALLS = {
    1: ("write", "f"), 18: ("pwrite64", "f"), 20: ("writev", "f"), 296: ("pwritev", "f"), 328: ("pwritev2", "f"),
    40: ("sendfile", "f"), 44: ("sendto", "f"), 46: ("sendmsg", "f"), 326: ("copy_file_range", "--f"),
    2: ("open", "p"), 85: ("creat", "p"), 257: ("openat", "a"), 82: ("rename", "pp"), 264: ("renameat", "a-a"),
    316: ("renameat2", "a-a"), 86: ("link", "pp"), 265: ("linkat", "a-a"), 88: ("symlink", "-p"), 266: ("symlinkat", "-a"),
    87: ("unlink", "p"), 263: ("unlinkat", "a"), 83: ("mkdir", "p"), 258: ("mkdirat", "a"), 84: ("rmdir", "p"),
    76: ("truncate", "p"), 77: ("ftruncate", "f"), 285: ("fallocate", "f"), 74: ("fsync", "f"), 75: ("fdatasync", "f"),
    306: ("syncfs", "f"), 277: ("sync_file_range", "f"), 73: ("flock", "f"),
}

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread, address=0, data=0):
    if libc.ptrace(request, thread, address, data) < 0:
        number = ctypes.get_errno()
        if number != errno.ESRCH:
            raise OSError(number, f"ptrace: {os.strerror(number)}")


class Call:
    """A call at its entry; `None` for other stops and other calls."""

    @staticmethod
    def at(pid, thread):
        info = ctypes.create_string_buffer(88)
        if libc.ptrace(SYSCALL_INFO, thread, 88, ctypes.addressof(info)) < 0 or info.raw[0] != 1:
            return None
        number, *arguments = (int.from_bytes(info.raw[start : start + 8], "little") for start in range(24, 80, 8))
        return Call(pid, number, arguments) if number in CALLS else None

    def __init__(self, pid, number, arguments):
        self.pid, self.arguments = pid, arguments
        self.name, shape = CALLS[number]
        self.creates = self.name not in ("open", "openat") or bool(arguments[1 + (self.name == "openat")] & CREATES)
        self.paths = [self.path(kind, index) for index, kind in enumerate(shape) if kind != "-"]

    def path(self, kind, index):
        value = self.arguments[index]
        if kind == "f":
            return self.descriptor(value)
        if kind == "p":
            return os.path.join(self.link("cwd"), self.text(value))
        folder = ctypes.c_int32(value & 0xFFFFFFFF).value
        base = self.link("cwd") if folder == AT_FDCWD else self.descriptor(folder)
        return os.path.join(base, self.text(self.arguments[index + 1]))

    def descriptor(self, number):
        return self.link(f"fd/{number & 0xFFFFFFFF}")

    def link(self, name):
        try:
            return os.readlink(f"/proc/{self.pid}/{name}")
        except OSError:
            return "?"

    def text(self, address):
        with open(f"/proc/{self.pid}/mem", "rb", 0) as memory:
            memory.seek(address)
            read = b""
            while b"\0" not in read and len(read) < 4096:
                read += memory.read(256 - (address + len(read)) % 256)
        return read.split(b"\0")[0].decode()

    def is_in(self, folder):
        return self.creates and any(path.startswith(folder) for path in self.paths)

    def counts(self, folder):
        return self.creates and any(path.startswith((folder, "socket:")) for path in self.paths)


def is_exit(thread):
    info = ctypes.create_string_buffer(88)
    return libc.ptrace(SYSCALL_INFO, thread, 88, ctypes.addressof(info)) >= 0 and info.raw[0] == AT_EXIT


def attach(pid):
    for thread in map(int, os.listdir(f"/proc/{pid}/task")):
        ptrace(SEIZE, thread, 0, OPTIONS)
        ptrace(INTERRUPT, thread)


def resume(thread, status):
    stopped_by, event = os.WSTOPSIG(status), status >> 16
    if event == EVENT_STOP and stopped_by != signal.SIGTRAP:
        return ptrace(LISTEN, thread)
    delivered = 0 if event or stopped_by in (signal.SIGTRAP, signal.SIGTRAP | 0x80) else stopped_by
    ptrace(SYSCALL, thread, 0, delivered)


def say(fact):
    print(json.dumps(fact), flush=True)


def next_stop(held):
    """The next thread that stopped; while one is held, also looks whether it is to go on."""
    while True:
        thread, status = os.waitpid(-1, ALL_THREADS | (os.WNOHANG if held else 0))
        if thread:
            return thread, status
        if select.select([sys.stdin], [], [], 0.0005)[0]:
            sys.stdin.readline()
            return held.pop(), signal.SIGTRAP << 8 | 0x7F


def follow(pid, folder, mode, nth, part):
    count, held, failing = 0, [], None
    while True:
        thread, status = next_stop(held)
        if not os.WIFSTOPPED(status):
            if thread == pid:
                return say({"ended": True})
            continue
        call = Call.at(pid, thread) if os.WSTOPSIG(status) == signal.SIGTRAP | 0x80 else None
        if thread == failing and is_exit(thread):
            ptrace(POKE_USER, thread, RESULT, 2**64 - getattr(errno, part))
            failing = None
        if mode == "fail":
            if call and call.is_in(folder):
                count += 1
                say({"n": count, "call": call.name, "paths": call.paths})
                if count == nth:
                    ptrace(POKE_USER, thread, NUMBER, NO_CALL)
                    failing = thread
        elif call and call.counts(folder):
            count += 1
            say({"n": count, "call": call.name, "paths": call.paths})
            if mode == "kill" and count == nth:
                os.kill(pid, signal.SIGKILL)
            if mode == "hold" and any(part in path for path in call.paths):
                mode, held = "list", [thread]
                say({"held": True})
                continue
        resume(thread, status)


pid, folder, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3]
attach(pid)
say({"ready": True})
follow(pid, folder, mode, int((sys.argv[4:] or ["0"])[0]), (sys.argv[5:] or [""])[0])
