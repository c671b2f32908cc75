# SPDX-License-Identifier: GPL-2.0
"""Archives for the kernel's initramfs: "newc", see initramfs buffer format"""

import os
import stat


def collect(root, prefix=""):
    """Everything below the folder @root: name in the archive -> path"""
    found = {prefix: None} if prefix else {}
    for folder, dirs, files in os.walk(root):
        for name in dirs + files:
            path = os.path.join(folder, name)
            found[os.path.join(prefix, os.path.relpath(path, root))] = path
    return found


def write_cpio(out, entries):
    """@entries: name -> path, bytes, or None for a folder. The same entries
    give the same archive: no times, owners, inode numbers or umask in it."""
    def record(ino, name, mode, data):
        fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + name + b"\0"
        out.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))

    start = out.tell()
    for ino, name in enumerate(sorted(entries), 1):
        item, mode, data = entries[name], stat.S_IFDIR | 0o755, b""
        if isinstance(item, bytes):
            mode, data = stat.S_IFREG | 0o644, item
        elif item is not None:
            st = os.lstat(item)
            if stat.S_ISLNK(st.st_mode):
                mode, data = stat.S_IFLNK | 0o777, os.fsencode(os.readlink(item))
            elif stat.S_ISREG(st.st_mode):
                mode = stat.S_IFREG | (0o755 if st.st_mode & 0o100 else 0o644)
                with open(item, "rb") as f:
                    data = f.read()
            elif not stat.S_ISDIR(st.st_mode):
                continue        # a socket, a device: nothing to take along
        record(ino, os.fsencode(name), mode, data)
    record(0, b"TRAILER!!!", 0, b"")
    out.write(bytes((start - out.tell()) % 512))
