"""A headless Chromium that a test drives with a real mouse, over the pipe of its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')


class Page:
    """One page of a browser; every call waits for its answer."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = os.fdopen(commands, 'wb', 0), os.fdopen(answers, 'rb', 0)
        self._buffer, self._number, self._session = b'', 0, ''
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        self.errors: list[str] = []  # of the page's scripts
        self._loaded = False
        self.call('Page.enable')
        self.call('Runtime.enable')

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {'id': self._number, 'method': method, 'params': parameters}
        if self._session:
            message['sessionId'] = self._session
        self._commands.write(json.dumps(message).encode() + b'\0')
        while True:
            answer = self._read()
            if answer.get('id') == self._number:
                if 'error' in answer:
                    raise RuntimeError(f'{method}: {answer["error"]}')
                return answer['result']
            self._event(answer)

    def open(self, file: Path) -> None:
        """Load a file anew, whatever was shown before."""
        self._loaded = False
        self.call('Page.navigate', url=f'{file.resolve().as_uri()}?{self._number}')
        while not self._loaded:
            self._event(self._read())

    def value(self, expression: str) -> Any:
        """What the page says; a mistake in it is raised."""
        answer = self.call('Runtime.evaluate', expression=expression, returnByValue=True)
        if 'exceptionDetails' in answer:
            raise RuntimeError(answer['exceptionDetails'])
        return answer['result'].get('value')

    def middle(self, selector: str) -> tuple[float, float]:
        """Where the middle of an element is on the screen, scrolled to if need be."""
        script = '(() => {{ const e = document.querySelector({0}); e.scrollIntoView({{block: "nearest"}}); '
        script += 'const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()'
        x, y = self.value(script.format(json.dumps(selector)))
        return x, y

    def hover(self, selector: str) -> None:
        x, y = self.middle(selector)
        self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)

    def click(self, selector: str) -> None:
        self.hover(selector)
        x, y = self.middle(selector)
        for kind in ('mousePressed', 'mouseReleased'):
            self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y, button='left', clickCount=1)

    def screenshot(self, file: Path) -> None:
        file.write_bytes(base64.b64decode(self.call('Page.captureScreenshot')['data']))

    def close(self) -> None:
        self._commands.close()
        self._answers.close()

    def _event(self, message: dict[str, Any]) -> None:
        if message.get('method') == 'Page.loadEventFired':
            self._loaded = True
        if message.get('method') == 'Runtime.exceptionThrown':
            self.errors.append(str(message['params']))

    def _read(self) -> dict[str, Any]:
        while b'\0' not in self._buffer:
            more = os.read(self._answers.fileno(), 1 << 16)
            if not more:
                raise RuntimeError('the browser ended')
            self._buffer += more
        text, self._buffer = self._buffer.split(b'\0', 1)
        return json.loads(text)


@contextmanager
def browser_page(folder: Path) -> Iterator[Page]:
    """A page of 1200 x 900 points without network; skips the test where no browser is."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f'no browser: none of {", ".join(NAMES)} is installed')
    commands_in, commands = os.pipe()
    answers, answers_in = os.pipe()
    options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', '--window-size=1200,1000']
    options += [
        f'--user-data-dir={folder}',
        '--no-first-run',
        '--disable-dev-shm-usage',
        '--host-resolver-rules=MAP * ~NOTFOUND',
    ]
    # the browser reads its commands from 3 and answers on 4
    shell = f'exec "$@" 3<&{commands_in} 4>&{answers_in}'
    with (folder / 'browser.log').open('wb') as log:
        process = subprocess.Popen(
            ['bash', '-c', shell, 'browser', program, *options, 'about:blank'],
            pass_fds=(commands_in, answers_in),
            stdout=log,
            stderr=log,
        )
    os.close(commands_in)
    os.close(answers_in)
    page = Page(commands, answers)
    try:
        page.call('Emulation.setDeviceMetricsOverride', width=1200, height=900, deviceScaleFactor=1, mobile=False)
        yield page
    finally:
        page.close()
        process.terminate()
        process.wait(30)
