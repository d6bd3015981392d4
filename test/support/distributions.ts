import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { tar } from './tar.ts';
import { zip } from './tiny-wheel.ts';

// Wheels and sdists as build tools make them: RECORD states every digest, and an sdist brings the tool that builds it along,
// so that installers need nothing else.

export interface Distribution extends IndexFile {
  /** As its author spells it. */
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly coreMetadata: Uint8Array;
}

interface Release {
  readonly name: string;
  readonly version: string;
  readonly requires?: readonly string[];
}

const moduleOf = (name: string) => name.replace(/[-_.]+/g, '_').toLowerCase();

/** What the only module of a release says. */
export const sourceOf = ({ name, version }: Release) => `NAME, VERSION = '${name}', '${version}'\n`;

export const moduleFile = (name: string) => `${moduleOf(name)}.py`;

export function wheelOf(release: Release): Distribution {
  const { name, version } = release;
  const info = `${moduleOf(name)}-${version}.dist-info`;
  const coreMetadata = metadataOf(release);
  const members: readonly (readonly [string, Uint8Array])[] = [
    [moduleFile(name), Buffer.from(sourceOf(release))],
    [`${info}/METADATA`, coreMetadata],
    [`${info}/WHEEL`, Buffer.from(WHEEL)],
  ];
  const record = members.map(([path, bytes]) => `${path},sha256=${base64Of(bytes)},${bytes.byteLength}\n`).join('');
  const bytes = zip([...members, [`${info}/RECORD`, Buffer.from(`${record}${info}/RECORD,,\n`)]]);
  return { name, version, filename: `${moduleOf(name)}-${version}-py3-none-any.whl`, bytes, coreMetadata };
}

/** `stem`: what its file name begins with; tools spelled that in many ways. */
export function sdistOf(release: Release, stem = moduleOf(release.name)): Distribution {
  const { name, version } = release;
  const folder = `${stem}-${version}`;
  const coreMetadata = metadataOf(release);
  const bytes = gzipSync(
    tar([
      [`${folder}/PKG-INFO`, coreMetadata],
      [`${folder}/pyproject.toml`, Buffer.from(PYPROJECT)],
      [`${folder}/builder.py`, Buffer.from(builderOf(`${moduleOf(name)}-${version}`, moduleFile(name)))],
      [`${folder}/${moduleFile(name)}`, Buffer.from(sourceOf(release))],
    ]),
  );
  return { name, version, filename: `${folder}.tar.gz`, bytes, coreMetadata };
}

const WHEEL = 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n';
/** PEP 517: the builder lies in the sdist, and needs nothing. */
const PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "builder"\nbackend-path = ["."]\n';

function metadataOf({ name, version, requires = [] }: Release): Uint8Array {
  const lines = ['Metadata-Version: 2.2', `Name: ${name}`, `Version: ${version}`, 'Requires-Python: >=3.8'];
  return Buffer.from([...lines, ...requires.map((each) => `Requires-Dist: ${each}`), ''].join('\n'));
}

function builderOf(stem: string, module: string): string {
  return `
import base64, hashlib, pathlib, zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    info = "${stem}.dist-info"
    members = {
        "${module}": pathlib.Path("${module}").read_bytes(),
        f"{info}/METADATA": pathlib.Path("PKG-INFO").read_bytes(),
        f"{info}/WHEEL": ${JSON.stringify(WHEEL)}.encode(),
    }
    digest = lambda data: base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    rows = [f"{path},sha256={digest(data)},{len(data)}" for path, data in members.items()]
    members[f"{info}/RECORD"] = "\\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    name = "${stem}-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as wheel:
        for path, data in members.items():
            wheel.writestr(path, data)
    return name
`;
}

const base64Of = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64url');
