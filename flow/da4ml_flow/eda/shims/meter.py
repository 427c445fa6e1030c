"""`meter FILE COMMAND...`: run a command and append what it cost to a file, one line of JSON.

edalize's makefiles put it before every command (EDALIZE_LAUNCHER). It ends as the command ended.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import PurePath


def main() -> None:
    file, *command = sys.argv[1:]
    begin = time.monotonic()
    try:
        process = os.posix_spawnp(command[0], command, os.environ)
    except OSError as error:
        print(f'{command[0]}: {error.strerror}', file=sys.stderr)
        sys.exit(127)
    _, status, spent = os.wait4(process, 0)
    code = os.waitstatus_to_exitcode(status)
    cost = {
        'tool': PurePath(command[0]).name,
        'wall_s': round(time.monotonic() - begin, 3),
        'cpu_s': round(spent.ru_utime + spent.ru_stime, 3),
        'peak_kb': spent.ru_maxrss,
        'code': code,
    }
    with suppress(OSError):  # of a full disk: the command is not to blame
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(descriptor, f'{json.dumps(cost)}\n'.encode())  # one write: lines of parallel commands do not mix
        os.close(descriptor)
    if code < 0:
        with suppress(OSError):  # of SIGKILL
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == '__main__':
    main()
