import { venv } from './python.ts';

// The Python environments that interop tests use, named once, so that CI can make them before the tests.

export const pipOfToday = () => venv('pip-current', ['pip']);
/** Old enough to matter, still in the field. */
export const pipOf2023 = () => venv('pip-2023', ['pip==23.2.1']);
export const uv = () => venv('uv', ['uv']);
/** python-tuf, the reference implementation; RSA and ECDSA need the extra. */
export const pythonTuf = () => venv('tuf', ['tuf', 'securesystemslib[crypto]']);
/** Three that lock through an index as it is today. */
export const poetry = () => venv('poetry', ['poetry']);
/** Its newest release does not run with the newest hishel; the extra holds what it was released with. */
export const pdm = () => venv('pdm', ['pdm[locked]']);
export const pipTools = () => venv('pip-tools', ['pip-tools', 'pip']);
/** Neighbours in front of this mirror and behind it. */
export const devpi = () => venv('devpi', ['devpi-server']);
export const bandersnatch = () => venv('bandersnatch', ['bandersnatch']);
/** Beside which pages are measured; its server as its Dockerfile starts it. */
export const proxpi = () => venv('proxpi', ['proxpi', 'gunicorn', 'setuptools']);
