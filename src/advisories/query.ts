import { z } from 'zod';
import { openJson } from '../bytes/json-pieces.ts';
import { Refusal } from '../bytes/refusal.ts';
import { normalizeName } from '../pypi/names.ts';
import { MAX_QUERIES, MAX_QUERY_BYTES, MAX_QUERY_DEPTH, MAX_QUERY_VALUES } from './limits.ts';
import { ECOSYSTEM } from './record.ts';

// What is asked of advisories, as OSV's API has it: https://google.github.io/osv.dev/post-v1-query/.

/** One question. Without a project nothing can be known: it asks about a commit, or about what is no name. */
export interface Query {
  /** Its normalized name. */
  readonly project: string | undefined;
  /** Undefined: every version. */
  readonly version: string | undefined;
}

// Absent, null and empty are the same in the JSON of protocol buffers, which OSV's API is.
const text = z
  .string()
  .nullish()
  .transform((value) => (value === null || value === '' ? undefined : value));
const query = z.object({
  commit: text,
  version: text,
  page_token: text,
  package: z.object({ name: text, ecosystem: text, purl: text }).nullish(),
});
const batch = z.object({ queries: z.array(query).nullish() });

type Read = z.output<typeof query>;

/** The question of `/v1/query`. Refuses `format` and `limit`. */
export function readQuery(body: Uint8Array): Query {
  return queryOf(read(query, body), '');
}

/** Those of `/v1/querybatch`, in their order. Refuses `format` and `limit`. */
export function readQueries(body: Uint8Array): readonly Query[] {
  const queries = read(batch, body).queries ?? [];
  if (queries.length > MAX_QUERIES)
    throw new Refusal('limit', `A batch has at most ${MAX_QUERIES} queries.`, { subject: 'request' });
  return queries.map((each, at) => queryOf(each, `queries.${at}: `));
}

function read<T>(shape: z.ZodType<T>, body: Uint8Array): T {
  const pieces = openJson(body, {
    what: 'The query',
    subject: 'request',
    depth: MAX_QUERY_DEPTH,
    values: MAX_QUERY_VALUES,
    piece: MAX_QUERY_BYTES,
  });
  const value = pieces.value();
  pieces.end();
  const found = shape.safeParse(value);
  if (found.success) return found.data;
  const where = found.error.issues[0]?.path.join('.') ?? '';
  throw wrong('', `The query is not in the form of OSV's API${where === '' ? '' : ` (${where})`}.`);
}

function queryOf({ commit, version, page_token: token, package: about }: Read, where: string): Query {
  if (token !== undefined) throw wrong(where, 'No answer of this mirror has a further page: page_token names none.');
  const { name, ecosystem, purl } = about ?? {};
  if (commit !== undefined) {
    if (version !== undefined) throw wrong(where, 'Ask by commit or by version.');
    return { project: undefined, version: undefined };
  }
  if (purl !== undefined) {
    if (name !== undefined || ecosystem !== undefined)
      throw wrong(where, 'package.purl says name and ecosystem: leave out package.name and package.ecosystem.');
    const named = readPurl(purl, where);
    if (named.version !== undefined && version !== undefined)
      throw wrong(where, 'The version is in package.purl and in version: leave out one of them.');
    return { project: named.project, version: named.version ?? version };
  }
  if (name === undefined) throw wrong(where, 'Say what is asked about: package.name, package.purl or commit.');
  if (ecosystem !== ECOSYSTEM) throw otherEcosystem(where);
  return { project: normalizeName(name), version };
}

/** https://github.com/package-url/purl-spec: those of type `pypi` have no namespace. */
function readPurl(purl: string, where: string): Query {
  const match = /^pkg:\/*([A-Za-z][A-Za-z0-9.+-]*)\/([^?#]+)/.exec(purl);
  if (match === null) throw wrong(where, 'package.purl is no package URL.');
  const [, type = '', path = ''] = match;
  if (type.toLowerCase() !== 'pypi') throw otherEcosystem(where);
  const [name = '', ...versions] = path.replace(/\/+$/, '').split('@');
  try {
    const version = decodeURIComponent(versions.join('@'));
    return { project: normalizeName(decodeURIComponent(name)), version: version === '' ? undefined : version };
  } catch (cause) {
    throw wrong(where, 'package.purl is no package URL.', cause);
  }
}

/** An empty answer would be taken for a clean bill. */
function otherEcosystem(where: string): Refusal {
  return wrong(where, `This mirror has advisories about Python packages alone: ask for the ecosystem ${ECOSYSTEM}.`);
}

function wrong(where: string, how: string, cause?: unknown): Refusal {
  return new Refusal('format', `${where}${how}`, { subject: 'request', cause });
}
