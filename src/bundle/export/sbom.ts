import { type Instant, instantText } from '../../bytes/instant.ts';
import type { HeldItem } from './held.ts';
import type { GrowingFile } from './places.ts';

const HASHES = { sha384: 'SHA-384', sha512: 'SHA-512', 'blake2b-256': 'BLAKE2b-256' } as const;
const ALGORITHMS = ['sha384', 'sha512', 'blake2b-256'] as const;

export interface SbomHead {
  readonly index: string;
  readonly number: number;
  readonly stateAt: Instant;
}

/** A CycloneDX 1.6 document of the files that a bundle carries, written as they come. Without a serial number or the time it was made: the same content is the same document. */
export class SbomWriter {
  readonly #file: GrowingFile;
  #components = 0;

  constructor(file: GrowingFile) {
    this.#file = file;
  }

  get components(): number {
    return this.#components;
  }

  /** `item` is a file, with its release. */
  async add({ entry, release }: HeldItem, licence: string | undefined): Promise<void> {
    const { project = '', name = '', sha256, also } = entry;
    const version = release?.version;
    const component = {
      type: 'library',
      'bom-ref': sha256,
      name: project,
      ...(version === undefined ? {} : { version }),
      hashes: [
        { alg: 'SHA-256', content: sha256 },
        ...ALGORITHMS.flatMap((algorithm) => {
          const content = also?.[algorithm];
          return content === undefined ? [] : [{ alg: HASHES[algorithm], content }];
        }),
      ],
      ...(licence === undefined ? {} : { licenses: [{ license: { name: licence } }] }),
      purl: purlOf(project, version, name),
      properties: [{ name: 'verbatim:file', value: name }],
    };
    await this.#file.append(Buffer.from(`${this.#components++ === 0 ? '' : ',\n'}${JSON.stringify(component)}`));
  }
}

/** What stands before and behind the components. */
export function sbomFrame({ index, number, stateAt }: SbomHead): { readonly before: Buffer; readonly after: Buffer } {
  const metadata = {
    timestamp: instantText(stateAt),
    component: { type: 'data', name: `${index} ${number}`, 'bom-ref': `${index}-${number}` },
  };
  const head = JSON.stringify({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, metadata });
  return { before: Buffer.from(`${head.slice(0, -1)},"components":[\n`), after: Buffer.from('\n]}\n') };
}

/** Package URL of one distribution file (`pypi` in the purl specification). */
function purlOf(project: string, version: string | undefined, filename: string): string {
  const at = version === undefined ? '' : `@${encodeURIComponent(version)}`;
  return `pkg:pypi/${encodeURIComponent(project)}${at}?file_name=${encodeURIComponent(filename)}`;
}
