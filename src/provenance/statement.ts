import { isFileName, normalizeName, versionOf } from '../pypi/names.ts';
import { keyOf, parseVersion } from '../pypi/requirement/version.ts';
import { readObject } from './attestation.ts';
import { array, object, text } from './fields.ts';

/** The file that provenance is about. */
export interface Attested {
  readonly project: string;
  readonly filename: string;
  /** Hexadecimal. */
  readonly sha256: string;
}

const STATEMENT = 'https://in-toto.io/Statement/v1';
/** PyPI's own, and SLSA's. What others say is not known here. */
const PREDICATES: ReadonlySet<string> = new Set([
  'https://docs.pypi.org/attestations/publish/v1',
  'https://slsa.dev/provenance/v1',
]);

export type StatementMatch = 'match' | { readonly result: 'refused' | 'unchecked'; readonly why: string };

/** Whether a signed statement is about this very file (PEP 740: one subject, its name normalized, its sha256). */
export function matchStatement(bytes: Uint8Array, file: Attested): StatementMatch {
  const statement = readObject(bytes);
  if (statement.get('_type') !== STATEMENT) return refused('its statement is none of in-toto, version 1');
  const subjects = array(statement.get('subject'), 'subject');
  const [only, ...others] = subjects;
  if (only === undefined || others.length > 0) return refused(`it is about ${subjects.length} files, not one`);
  const subject = object(only, 'subject');
  const name = text(subject.get('name'), 'subject.name');
  if (!isSameFile(name, file)) return refused(`it is about another file, ${name.slice(0, 200)}`);
  if (object(subject.get('digest'), 'subject.digest').get('sha256') !== file.sha256)
    return refused('it is about other bytes: its sha256 is not that of the file');
  const predicate = text(statement.get('predicateType'), 'predicateType');
  if (!PREDICATES.has(predicate))
    return { result: 'unchecked', why: `what it says is not known here (${predicate.slice(0, 200)})` };
  return 'match';
}

function refused(why: string): StatementMatch {
  return { result: 'refused', why };
}

/** The same file in another spelling of its project, version or tags. */
function isSameFile(name: string, { project, filename }: Attested): boolean {
  if (name === filename) return true;
  return (
    isFileName(name) && partsOf(name, project) !== undefined && partsOf(name, project) === partsOf(filename, project)
  );
}

function partsOf(filename: string, project: string): string | undefined {
  const version = parseVersion(versionOf(filename, project) ?? '');
  if (version === undefined) return undefined;
  const start = `${project} ${keyOf(version)}`;
  if (!filename.endsWith('.whl'))
    return `${start} sdist ${/\.(?:tar\.gz|zip)$/.exec(filename)?.[0] === undefined ? filename : ''}`;
  const [name = '', , ...rest] = filename.slice(0, -'.whl'.length).split('-');
  if (normalizeName(name) !== project) return undefined;
  const build = rest.length > 3 ? rest.slice(0, -3).join('-') : '';
  const tags = rest.slice(-3).map((each) => each.split('.').sort().join('.'));
  return `${start} ${build} ${tags.join('-')}`.toLowerCase();
}
