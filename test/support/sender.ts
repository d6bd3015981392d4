import type { SigningKey } from '../../src/bundle/format/keys.ts';
import { makeKey, openKey } from '../../src/bundle/format/keys.ts';
import { type Change, formatFor, type Header } from '../../src/bundle/format/model.ts';
import { instantText } from '../../src/bytes/instant.ts';
import { jsonPage } from '../../src/repository/index-pages.ts';
import { type Content, type MadeBundle, makeBundle } from './bundles.ts';
import type { TinyWheel } from './tiny-wheel.ts';

// Whoever carries an index that signs nothing: what it consists of, and the bundles that say so.

/** Ed25519, made once a test file. */
export async function signingKey(): Promise<SigningKey> {
  const { privateFile } = await makeKey(undefined);
  return openKey(Buffer.from(privateFile), async () => undefined);
}

export interface Sending {
  /** The number that it builds on; complete unless stated. */
  readonly since?: number | undefined;
  readonly header?: Partial<Header> | undefined;
  readonly pieceSize?: number | undefined;
  readonly keys?: readonly SigningKey[] | undefined;
  readonly changes?: readonly Change[] | undefined;
  /** An archive of advisories that it carries. */
  readonly advisories?: Uint8Array | undefined;
}

interface Sent {
  readonly manifest: string;
  readonly contents: ReadonlyMap<string, Content>;
}

/** The outside: each bundle has the next number, whatever becomes of it. */
export class Sender {
  readonly #keys: readonly SigningKey[];
  readonly #projects = new Map<string, readonly TinyWheel[]>();
  /** Projects whose pages state no digest. */
  readonly #bare = new Set<string>();
  readonly #sent: Sent[] = [];
  #list: readonly string[] | undefined;
  #at: number;

  /** `at`: when upstream stands by it first; a day later with each bundle. */
  constructor(keys: readonly SigningKey[], at: number) {
    this.#keys = keys;
    this.#at = at;
  }

  get sent(): number {
    return this.#sent.length;
  }

  /** What a project consists of from now on; nothing: it is gone. */
  put(project: string, ...wheels: readonly TinyWheel[]): void {
    this.#bare.delete(project);
    if (wheels.length === 0) this.#projects.delete(project);
    else this.#projects.set(project, wheels);
  }

  /** Carries a list of all projects from now on. */
  list(...projects: readonly string[]): void {
    this.#list = projects;
  }

  /** The same of a project whose page states no digest of anything. */
  putBare(project: string, ...wheels: readonly TinyWheel[]): void {
    this.put(project, ...wheels);
    this.#bare.add(project);
  }

  async bundle({
    since,
    header,
    pieceSize,
    keys = this.#keys,
    changes,
    advisories,
  }: Sending = {}): Promise<MadeBundle> {
    const base = since === undefined ? undefined : this.#sent[since - 1];
    const contents = this.#contents();
    const carried = [...contents].filter(([name, content]) => !same(base?.contents.get(name), content));
    const seen = new Set<string>();
    const number = this.#sent.length + 1;
    const time = instantText(this.#at);
    this.#at += 86_400;
    const made = await makeBundle({
      header: {
        index: { name: 'main', evidence: 'index', upstream: 'https://index.example/simple/' },
        number,
        ...(number > 1 && { previous: this.#sent.at(-1)?.manifest ?? '' }),
        ...(base !== undefined && since !== undefined && { base: { number: since, manifest: base.manifest } }),
        stateAt: time,
        referenceTime: time,
        ...(advisories === undefined ? {} : { format: formatFor('advisories') }),
        ...header,
      },
      contents: [...carried.map(([, content]) => once(content, seen)), ...feedOf(advisories)],
      changes: changes ?? (base === undefined ? [] : removedSince(base.contents, contents)),
      keys,
      pieceSize,
    });
    this.#sent.push({ manifest: made.manifestSha256, contents });
    return made;
  }

  #contents(): ReadonlyMap<string, Content> {
    const contents = new Map<string, Content>();
    if (this.#list !== undefined)
      contents.set('', {
        kind: 'list',
        url: 'https://index.example/simple/',
        confirmed: instantText(this.#at),
        content: Buffer.from(
          JSON.stringify({ meta: { 'api-version': '1.1' }, projects: this.#list.map((name) => ({ name })) }),
        ),
      });
    for (const project of [...this.#projects.keys()].sort()) {
      const wheels = this.#projects.get(project) ?? [];
      const page = Buffer.from(this.#bare.has(project) ? barePage(project, wheels) : jsonPage(project, wheels));
      contents.set(project, {
        kind: 'page',
        project,
        url: `https://index.example/simple/${project}/`,
        type: 'application/vnd.pypi.simple.v1+json',
        content: page,
        coding: 'zstd',
      });
      for (const wheel of [...wheels].sort((a, b) => (a.filename < b.filename ? -1 : 1))) {
        const { filename: name, bytes: content } = wheel;
        contents.set(`${project}/${name}`, { kind: 'file', project, name, content });
      }
    }
    return contents;
  }
}

export function feedOf(archive: Uint8Array | undefined): readonly Content[] {
  if (archive === undefined) return [];
  return [
    {
      kind: 'advisories',
      url: 'https://feed.example/all.zip',
      confirmed: '2026-03-24T15:35:00Z',
      content: archive,
    },
  ];
}

/** One address for whatever lies there, as of a plain directory. */
function barePage(project: string, wheels: readonly TinyWheel[]): string {
  const files = wheels.map(({ filename }) => ({ filename, url: `../../files/${filename}`, hashes: {} }));
  return JSON.stringify({ meta: { 'api-version': '1.0' }, name: project, files });
}

function same(a: Content | undefined, b: Content): boolean {
  return a !== undefined && Buffer.compare(a.content, b.content) === 0;
}

/** Carried here where it is new to the bundle, and else above. */
export function once(content: Content, seen: Set<string>): Content {
  const name = Buffer.from(content.content).toString('latin1');
  if (!seen.has(name)) {
    seen.add(name);
    return content;
  }
  const { coding: _, ...rest } = content;
  return { ...rest, bytes: 'above' };
}

function removedSince(before: ReadonlyMap<string, Content>, now: ReadonlyMap<string, Content>): readonly Change[] {
  const gone = [...before].filter(([name]) => !now.has(name)).map(([, content]) => content);
  const projects = new Set(gone.flatMap(({ kind, project = '' }) => (kind === 'page' ? [project] : [])));
  return [
    ...[...projects].map((project): Change => ({ change: 'removed', project })),
    ...gone.flatMap(({ kind, project = '', name }): Change[] =>
      kind === 'page' || projects.has(project) ? [] : [{ change: 'removed', project, name }],
    ),
  ].sort((a, b) => compare(a.project, b.project) || compare(a.name, b.name));
}

function compare(a = '', b = ''): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
