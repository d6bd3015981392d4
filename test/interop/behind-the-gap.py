"""In a network namespace of its own (unshare --net): brings loopback up, starts a server, and runs commands against it.

Reads one JSON object: serve (arguments; the server's first line is JSON with "simple"), commands (lists of arguments, in which SIMPLE stands for
the index's address, METADATA and TARGETS for those that TUF clients ask), and cwd. Writes a JSON list: what each command ended with, and what it said."""

import fcntl
import json
import socket
import struct
import subprocess
import sys

SIOCSIFFLAGS = 0x8914
IFF_UP = 1

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", IFF_UP, b""))



def told(word, addresses):
    for name in ("simple", "metadata", "targets"):
        word = word.replace(name.upper(), addresses[name])
    return word


asked = json.load(sys.stdin)
server = subprocess.Popen(asked["serve"], stdout=subprocess.PIPE, text=True)
try:
    addresses = json.loads(server.stdout.readline())
    said = []
    for command in asked["commands"]:
        words = [told(word, addresses) for word in command]
        ended = subprocess.run(words, cwd=asked["cwd"], capture_output=True, text=True)
        said.append([ended.returncode, ended.stdout + ended.stderr])
finally:
    server.terminate()
    server.wait()
print(json.dumps(said))
