import { isRecord, type Json } from '../../pypi/read.ts';
import { type Asked, Gathering, type Selection, unusable } from './asked.ts';
import {
  fileNameOf,
  hashIn,
  type Locked,
  markerIn,
  packagesOf,
  projectIn,
  readToml,
  tableIn,
  tablesIn,
  textIn,
  versionIn,
} from './table.ts';
import { UvEdges } from './uv-edges.ts';

// pylock.toml (PEP 751), uv.lock, poetry.lock and pdm.lock: each names the files of a version with their hashes.

/** Throws Refusal `format` or `limit`, which names the line. */
export function readLock(path: string, text: string): Selection {
  const document = readToml(path, text);
  const metadata = tableIn(document, 'metadata', path);
  if (document['lock-version'] !== undefined) return readPylock(path, text, document);
  if (metadata?.['lock_version'] !== undefined) return readPdm(path, text, document);
  if (metadata?.['lock-version'] !== undefined) return readPoetry(path, text, document, metadata);
  if (document['version'] !== undefined) return readUv(path, text, document);
  throw unusable(path, 'it is no lock of pylock.toml, uv, Poetry or PDM');
}

/** Files by name. */
type Files = ReadonlyMap<string, ReadonlySet<string>>;

function asked({ table, at }: Locked, files: Files, marker: Asked['marker']): Asked {
  const hashes = new Set([...files.values()].flatMap((each) => [...each]));
  return {
    project: projectIn(table, at),
    extras: [],
    specifiers: versionIn(table, at),
    marker,
    hashes,
    files,
    isLocked: true,
    at,
  };
}

/** What a package is taken from, where that is no index: a project of one's own, or somewhere else. */
function direct(gathering: Gathering, { table, at }: Locked, from: string, isOwn: boolean): void {
  const why = isOwn ? 'it is a project of its own' : `it is taken from ${from}, and from no index`;
  gathering.passOver({ what: projectIn(table, at), why, at, isMissing: !isOwn });
}

function readPylock(path: string, text: string, document: Json): Selection {
  const version = textIn(document, 'lock-version', path);
  if (!/^1\./.test(version ?? '')) throw unusable(path, `lock-version "${version}" is not known here; 1.x is`);
  const gathering = new Gathering();
  for (const locked of packagesOf(path, text, document, 'packages')) {
    const { table, at } = locked;
    const elsewhere = ['vcs', 'archive'].find((kind) => table[kind] !== undefined);
    if (table['directory'] !== undefined || elsewhere !== undefined) {
      direct(
        gathering,
        locked,
        elsewhere === 'vcs' ? 'a repository of source code' : 'an archive',
        elsewhere === undefined,
      );
      continue;
    }
    const sdist = tableIn(table, 'sdist', at);
    const files = filesOf([...tablesIn(table, 'wheels', at), ...(sdist === undefined ? [] : [sdist])], at, (file) =>
      Object.entries(tableIn(file, 'hashes', at) ?? {}).map(([name, hex]) => `${name}:${hex}`),
    );
    gathering.ask(asked(locked, files, markerIn(textIn(table, 'marker', at), at)));
  }
  return gathering;
}

function readUv(path: string, text: string, document: Json): Selection {
  if (document['version'] !== 1) throw unusable(path, `version ${String(document['version'])} is not known here; 1 is`);
  const gathering = new Gathering();
  const edges = new UvEdges();
  for (const locked of packagesOf(path, text, document, 'package')) {
    const { table, at } = locked;
    const source = tableIn(table, 'source', at) ?? {};
    const [kind = 'nowhere'] = Object.keys(source);
    const isWanted = edges.add(locked, OWN.has(kind));
    if (source['registry'] === undefined) {
      direct(gathering, locked, kind === 'git' ? 'a repository of source code' : `a ${kind}`, OWN.has(kind));
      continue;
    }
    const sdist = tableIn(table, 'sdist', at);
    const files = filesOf([...tablesIn(table, 'wheels', at), ...(sdist === undefined ? [] : [sdist])], at, hashAlone);
    gathering.ask({ ...asked(locked, files, undefined), isWanted });
  }
  return gathering;
}

/** What uv calls a project that is locked, or one beside it. */
const OWN: ReadonlySet<string> = new Set(['editable', 'virtual', 'directory']);

function readPoetry(path: string, text: string, document: Json, metadata: Json): Selection {
  const gathering = new Gathering();
  // Before Poetry 1.5 they stood at the end, by package.
  const former = tableIn(metadata, 'files', path);
  for (const locked of packagesOf(path, text, document, 'package')) {
    const { table, at } = locked;
    const source = tableIn(table, 'source', at);
    const kind = source === undefined ? undefined : textIn(source, 'type', at);
    if (kind !== undefined && kind !== 'legacy') {
      direct(gathering, locked, kind === 'git' ? 'a repository of source code' : `a ${kind}`, kind === 'directory');
      continue;
    }
    const listed =
      table['files'] === undefined && former !== undefined
        ? tablesIn(former, textIn(table, 'name', at) ?? '', at)
        : tablesIn(table, 'files', at);
    // By group of dependencies they are several, of which each may be asked for.
    const markers = table['markers'];
    const marker = isRecord(markers) ? undefined : markerIn(textIn(table, 'markers', at), at);
    gathering.ask(asked(locked, filesOf(listed, at, hashAlone), marker));
  }
  return gathering;
}

function readPdm(path: string, text: string, document: Json): Selection {
  const gathering = new Gathering();
  for (const locked of packagesOf(path, text, document, 'package')) {
    const { table, at } = locked;
    const elsewhere = ['git', 'hg', 'svn', 'bzr', 'path', 'url'].find((kind) => table[kind] !== undefined);
    if (elsewhere !== undefined) {
      direct(gathering, locked, elsewhere === 'url' ? 'a URL' : 'a repository of source code', elsewhere === 'path');
      continue;
    }
    const files = filesOf(tablesIn(table, 'files', at), at, hashAlone);
    // With extras of its own it is listed again, without files.
    if (files.size === 0 && table['extras'] !== undefined) continue;
    gathering.ask(asked(locked, files, markerIn(textIn(table, 'marker', at), at)));
  }
  return gathering;
}

function filesOf(listed: readonly Json[], at: string, hashes: (file: Json, at: string) => readonly string[]): Files {
  const files = new Map<string, Set<string>>();
  for (const file of listed) {
    const named = ['name', 'filename', 'file'].flatMap((key) => textIn(file, key, at) ?? [])[0];
    const place = textIn(file, 'url', at) ?? textIn(file, 'path', at);
    const name = named ?? fileNameOf(place ?? '');
    if (name === '') throw unusable(at, 'it lists a file without a name');
    const known = files.get(name) ?? new Set();
    files.set(name, known);
    for (const hash of hashes(file, at)) known.add(hashIn(hash, at));
  }
  return files;
}

function hashAlone(file: Json, at: string): readonly string[] {
  const hash = textIn(file, 'hash', at);
  return hash === undefined ? [] : [hash];
}
