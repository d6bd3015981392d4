import { createHash } from 'node:crypto';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { zip } from '../../test/support/tiny-wheel.ts';

/** A made package as an installer meets it: a page, core metadata beside the wheel, and the wheel. */
interface Made {
  readonly project: string;
  readonly filename: string;
  readonly bytes: Uint8Array;
  readonly metadata: Uint8Array;
}

/** The same with what an index serves of it, by its paths, as PyPI would write it. */
export interface Package extends Omit<Made, 'metadata'> {
  readonly documents: readonly (readonly [string, Uint8Array])[];
}

/** Of a set of packages that need each other. */
export interface Packages {
  /** Needs all others, some of them by way of others. */
  readonly top: string;
  readonly projects: readonly string[];
  /** The whole index by its paths, as PyPI would write it. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Each needs so many others: a resolver meets ninety in five steps. */
const NEEDS = 3;
const WHEEL_BYTES = 64 * 1024;

/** `count` packages that no other set has, the same ones in every run. */
export function packages(set: string, count: number): Packages {
  const made = packagesOf(set, count);
  return {
    top: nameOf(set, 0),
    projects: made.map(({ project }) => project),
    files: new Map(made.flatMap(({ documents }) => documents)),
  };
}

/** The same, one by one. */
export function packagesOf(set: string, count: number): readonly Package[] {
  return Array.from({ length: count }, (_, i) => {
    const needed = Array.from({ length: NEEDS }, (_, n) => i * NEEDS + n + 1).filter((at) => at < count);
    const { metadata, ...made } = packageOf(
      nameOf(set, i),
      needed.map((at) => nameOf(set, at)),
    );
    return { ...made, documents: documentsOf({ ...made, metadata }) };
  });
}

function nameOf(set: string, at: number): string {
  return `${set}-package-${at}`;
}

function packageOf(project: string, needs: readonly string[]): Made {
  const name = project.replaceAll('-', '_');
  const info = `${name}-1.0.dist-info`;
  const metadata = Buffer.from(
    `Metadata-Version: 2.1\nName: ${project}\nVersion: 1.0\n${needs.map((need) => `Requires-Dist: ${need}\n`).join('')}`,
  );
  const listed = [`${name}.bin`, `${info}/METADATA`, `${info}/WHEEL`, `${info}/RECORD`];
  const bytes = zip([
    [`${name}.bin`, noise(project)],
    [`${info}/METADATA`, metadata],
    [`${info}/WHEEL`, Buffer.from('Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n')],
    [`${info}/RECORD`, Buffer.from(listed.map((path) => `${path},,\n`).join(''))],
  ]);
  return { project, filename: `${name}-1.0-py3-none-any.whl`, bytes, metadata };
}

/** Bytes that no coding makes shorter. */
function noise(seed: string): Uint8Array {
  return createHash('shake256', { outputLength: WHEEL_BYTES }).update(seed).digest();
}

function documentsOf({ project, filename, bytes, metadata }: Made): readonly (readonly [string, Uint8Array])[] {
  const file = {
    filename,
    url: `../../packages/${filename}`,
    hashes: { sha256: sha256Hex(bytes) },
    size: bytes.byteLength,
    'core-metadata': { sha256: sha256Hex(metadata) },
  };
  const page = { meta: { 'api-version': '1.1' }, name: project, versions: ['1.0'], files: [file] };
  return [
    [`simple/${project}/`, Buffer.from(JSON.stringify(page))],
    [`packages/${filename}`, bytes],
    [`packages/${filename}.metadata`, metadata],
  ];
}
