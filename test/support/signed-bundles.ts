import type { SigningKey } from '../../src/bundle/format/keys.ts';
import type { Header } from '../../src/bundle/format/model.ts';
import { sha256Hex } from '../../src/bytes/digest.ts';
import { instantText } from '../../src/bytes/instant.ts';
import { encodeRole } from '../../src/repository/documents.ts';
import type { SignedIndex } from '../../src/repository/signed-index.ts';
import { type Content, type MadeBundle, makeBundle } from './bundles.ts';
import { once } from './sender.ts';
import type { TinyWheel } from './tiny-wheel.ts';

// Bundles of an index signed with TUF: its metadata as it is published now, and pages and files of some projects.

export interface SignedSending {
  readonly wheels: readonly TinyWheel[];
  readonly number?: number;
  readonly previous?: string;
  readonly keys?: readonly SigningKey[];
  /** Of the state, and as of when it holds. Seconds. */
  readonly at: number;
  readonly header?: Partial<Header>;
  /** Roots from this version on alone. */
  readonly rootsFrom?: number;
  readonly change?: (contents: Content[]) => void;
}

export function signedBundle(signed: SignedIndex, sending: SignedSending): Promise<MadeBundle> {
  const { wheels, number = 1, previous = 'a'.repeat(64), keys = [], at, header, rootsFrom = 1, change } = sending;
  const contents = [...metadataOf(signed, rootsFrom), ...projectsOf(signed, wheels)];
  change?.(contents);
  const seen = new Set<string>();
  const time = instantText(at);
  const root = signed.repository.files.get('metadata/1.root.json') ?? new Uint8Array();
  return makeBundle({
    header: {
      index: { name: 'main', evidence: 'tuf', rootSha256: sha256Hex(root), upstream: 'https://index.example/' },
      number,
      ...(number > 1 && { previous }),
      stateAt: time,
      referenceTime: time,
      ...header,
    },
    contents: contents.map((content) => once(content, seen)),
    keys,
  });
}

function metadataOf({ repository: { files } }: SignedIndex, rootsFrom: number): readonly Content[] {
  const read = (name: string): Uint8Array => files.get(`metadata/${name}.json`) ?? new Uint8Array();
  const roots: Content[] = [];
  for (let version = 1; files.has(`metadata/${version}.root.json`); version++)
    if (version >= rootsFrom) roots.push({ kind: 'root', version, content: read(`${version}.root`) });
  const timestamp = read('timestamp');
  const snapshotVersion = metaOf(timestamp)['snapshot.json']?.version ?? 0;
  const snapshot = read(`${snapshotVersion}.snapshot`);
  const targets = Object.entries(metaOf(snapshot)).map(([name, { version }]): Content => {
    const role = name.slice(0, -'.json'.length);
    return { kind: 'targets', name: role, version, content: read(`${version}.${encodeRole(role)}`), coding: 'zstd' };
  });
  return [
    ...roots,
    { kind: 'timestamp', version: versionOf(timestamp), content: timestamp },
    { kind: 'snapshot', version: snapshotVersion, content: snapshot },
    ...targets.sort((a, b) => ((a.name ?? '') < (b.name ?? '') ? -1 : 1)),
  ];
}

function projectsOf(signed: SignedIndex, wheels: readonly TinyWheel[]): readonly Content[] {
  const contents: Content[] = [];
  for (const project of [...new Set(wheels.map((wheel) => wheel.project))].sort()) {
    contents.push({ kind: 'page', project, content: signed.page(project), url: 'https://index.example/', type: '' });
    for (const wheel of wheels)
      if (wheel.project === project)
        contents.push({ kind: 'file', project, name: wheel.filename, content: wheel.bytes });
  }
  return contents;
}

interface Signed {
  readonly signed: { readonly version: number; readonly meta: Readonly<Record<string, { readonly version: number }>> };
}

function parsed(bytes: Uint8Array): Signed {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

function metaOf(bytes: Uint8Array): Signed['signed']['meta'] {
  return parsed(bytes).signed.meta;
}

function versionOf(bytes: Uint8Array): number {
  return parsed(bytes).signed.version;
}
