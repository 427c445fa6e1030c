"""`held_build.py STAGE POINT FILE build ...`: a build that stops at a point of a stage, touches a file, and waits.

``POINT`` is `run` (its work is done, but not kept), `commit` (its record is written, its folder not yet renamed) or
`kept` (its folder is the result, and the build does not know).
"""

import signal
import sys
import time
from pathlib import Path

from da4ml_flow import workspace
from da4ml_flow.cli.main import main
from da4ml_flow.runner import build


def hold(file: str) -> None:
    Path(file).touch()
    time.sleep(600)


def patch(stage_name: str, point: str, file: str) -> None:
    commit, remove, execute = workspace.Workspace.commit, workspace._remove, build._execute

    def held_execute(step, *rest):
        result = execute(step, *rest)
        if point == 'kept' and step.stage.name == stage_name:
            hold(file)
        return result

    def held_commit(self, record, artifacts):
        if record.stage != stage_name:
            return commit(self, record, artifacts)
        if point == 'run':
            hold(file)
        target = self.directory(record.stage, record.key)

        def held_remove(path):
            remove(path)
            if point == 'commit' and path == target:
                hold(file)

        workspace._remove = held_remove
        return commit(self, record, artifacts)

    workspace.Workspace.commit = held_commit
    build._execute = held_execute


if __name__ == '__main__':
    # a shell may have started us with interrupts ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    patch(*sys.argv[1:4])
    main(sys.argv[4:])
