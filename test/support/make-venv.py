"""Makes a virtual environment once, however many ask: make-venv.py DIRECTORY PACKAGE..."""

import fcntl
import pathlib
import subprocess
import sys
import venv

directory = pathlib.Path(sys.argv[1])
packages = sys.argv[2:]
ready = directory / "ready"

directory.parent.mkdir(parents=True, exist_ok=True)
with open(f"{directory}.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)  # released by the kernel, whatever becomes of us
    # Its programs name the interpreter by its whole path: a checkout that was moved makes its own again.
    if not ready.exists() or ready.read_text() != str(directory):
        venv.create(directory, clear=True, with_pip=True)
        pip = [directory / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", "--upgrade", *packages], check=True)
        ready.write_text(str(directory))
