import { openJson } from '../../bytes/json-pieces.ts';
import { normalizeName } from '../../pypi/names.ts';
import { isRecord } from '../../pypi/read.ts';
import { parseSpecifiers } from '../../pypi/requirement/specifier.ts';
import { Gathering, hashOf, type Selection, unusable } from './asked.ts';
import { MAX_DEPTH, MAX_SBOM_PIECE, MAX_SBOM_VALUES, MAX_TEXT } from './limits.ts';

type Json = ReturnType<typeof openJson>;

/** What CycloneDX calls digests, by the names used here. */
const HASHES: Readonly<Record<string, string>> = {
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
  'BLAKE2b-256': 'blake2b-256',
};

/** What an SBOM in CycloneDX's JSON names: each Python package by its purl, with the hashes that stand there. Throws Refusal. */
export function readSbom(path: string, bytes: Uint8Array): Selection {
  if (bytes.byteLength > MAX_TEXT) throw unusable(path, `it has more than ${MAX_TEXT} bytes`, 'limit');
  const json = openJson(bytes, {
    what: path,
    subject: 'request',
    depth: MAX_DEPTH,
    values: MAX_SBOM_VALUES,
    piece: MAX_SBOM_PIECE,
  });
  const gathering = new Gathering();
  let format: unknown;
  let count = 0;
  const components = () => {
    if (json.kind !== 'array') throw unusable(path, '"components" is no list');
    json.elements(() => readComponent(json, { gathering, at: `${path}: component ${++count}`, components }));
  };
  if (json.kind !== 'object') throw unusable(path, 'it is no CycloneDX SBOM');
  json.members((name) => {
    if (name === 'bomFormat') format = json.value();
    else if (name === 'components') components();
  });
  json.end();
  if (format !== 'CycloneDX') throw unusable(path, 'it is no CycloneDX SBOM: "bomFormat" does not say so');
  return gathering;
}

interface Place {
  readonly gathering: Gathering;
  readonly at: string;
  /** Components have components. */
  readonly components: () => void;
}

function readComponent(json: Json, { gathering, at, components }: Place): void {
  let purl: unknown;
  let name: unknown;
  const listed: unknown[] = [];
  if (json.kind !== 'object') throw unusable(at, 'it is no object');
  json.members((key) => {
    if (key === 'purl') purl = json.value();
    else if (key === 'name') name = json.pieceOrNone()?.value;
    else if (key === 'hashes') listed.push(json.pieceOrNone()?.value);
    else if (key === 'externalReferences') listed.push(...distributed(json.pieceOrNone()?.value));
    else if (key === 'components') components();
  });
  if (typeof purl !== 'string' || !purl.startsWith('pkg:pypi/')) {
    const what = typeof name === 'string' ? name : 'a component';
    gathering.passOver({ what, why: 'it is no Python package', at, isMissing: false });
    return;
  }
  const { project, version, file } = purlParts(purl);
  const specifiers = parseSpecifiers(version === undefined ? '' : `==${version}`);
  if (project === undefined || specifiers === undefined) throw unusable(at, `"${purl}" is no purl of a Python package`);
  const hashes = new Set(listed.flatMap((each) => hashesOf(each, at)));
  const files = file === undefined ? undefined : new Map([[file, hashes]]);
  gathering.ask({ project, extras: [], specifiers, marker: undefined, hashes, files, isLocked: true, at });
}

/** `hashes` of what a component is fetched from. */
function distributed(references: unknown): readonly unknown[] {
  if (!Array.isArray(references)) return [];
  return references.filter(isRecord).flatMap((each) => (each['type'] === 'distribution' ? [each['hashes']] : []));
}

function hashesOf(listed: unknown, at: string): readonly string[] {
  if (listed === undefined) return [];
  if (!Array.isArray(listed)) throw unusable(at, '"hashes" is no list');
  return listed.flatMap((each: unknown) => {
    const { alg, content } = isRecord(each) ? each : {};
    const name = typeof alg === 'string' ? HASHES[alg] : undefined;
    if (name === undefined) return [];
    const hash = typeof content === 'string' ? hashOf(name, content) : undefined;
    if (hash === undefined) throw unusable(at, `"${String(content)}" is no ${String(alg)}`);
    return [hash];
  });
}

function purlParts(purl: string) {
  const [main = '', query = ''] = purl.slice('pkg:pypi/'.length).split('#', 1)[0]?.split('?', 2) ?? [];
  const [name = '', version] = main.split('@', 2).map(decoded);
  const file = new URLSearchParams(query).get('file_name') ?? undefined;
  return { project: normalizeName(name), version: version === '' ? undefined : version, file };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
