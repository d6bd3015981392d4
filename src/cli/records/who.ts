import { withRecords } from '../../app/data-directory.ts';
import { counted } from '../../bytes/counted.ts';
import { isDigest } from '../../bytes/digest.ts';
import { type Instant, instantText } from '../../bytes/instant.ts';
import { shownField } from '../../bytes/printable.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Config } from '../../config/config.ts';
import { createAccessRecord, type Fetched, type Fetches } from '../../disk/records/access-record.ts';
import { normalizeName, releaseVersionOf, versionOf } from '../../pypi/names.ts';
import { versionKey } from '../../pypi/versions.ts';
import { print, printJson } from '../output.ts';
import { affectedBy } from './affected.ts';

export interface WhoOptions {
  /** A digest, a file, or a project. */
  readonly what: string | undefined;
  /** Of the project; all where there is none. */
  readonly version: string | undefined;
  /** Advisories, in place of either. */
  readonly affected: string | undefined;
  readonly since: Instant | undefined;
  readonly index: string | undefined;
  /** Data directories of replicas, or copies of them, besides that of the configuration. */
  readonly records: readonly string[];
  readonly form: 'text' | 'json' | 'csv';
}

/** One client, user, file and day, and in whose records that is. */
interface Found extends Fetches {
  readonly from: string;
}

/** `verbatim who`: the clients that were sent something, as far back as the access record goes. False where there are none. */
export async function who(config: Config, options: WhoOptions): Promise<boolean> {
  const isMeant = await meantBy(options);
  const { since = 0, index, records: others, form } = options;
  // A day that began before is told where the last time was behind it.
  const isWanted = (fetched: Fetched) => (index === undefined || fetched.index === index) && isMeant(fetched);
  const found: Found[] = [];
  for (const from of new Set([config.data, ...others]))
    await withRecords({ ...config, data: from }, async (records) => {
      const access = createAccessRecord(records, { days: config.cache.accessDays });
      for (const each of await access.fetches(isWanted)) if (each.last >= since) found.push({ ...each, from });
      await access.close();
    });
  found.sort((one, other) => one.at - other.at);
  if (form === 'json') printJson(found.map(({ party: _, ...each }) => each));
  else if (form === 'csv') tellCsv(found);
  else tell(found, others.length > 0);
  return found.length > 0;
}

async function meantBy({ what, version, affected }: WhoOptions): Promise<(fetched: Fetched) => boolean> {
  if ((what === undefined) === (affected === undefined))
    throw new Refusal('format', 'Say what: a project, a file or a digest; or --affected and where advisories lie.', {
      subject: 'request',
    });
  if (what === undefined) {
    const isAffected = await affectedBy(affected ?? '');
    return ({ project, file }) => isAffected(project, file);
  }
  const digest = what.replace(/^sha256:/i, '').toLowerCase();
  if (isDigest('sha256', digest)) return ({ sha256 }) => sha256 === digest;
  const name = normalizeName(what);
  if (version === undefined) return ({ file, project }) => file === what || project === name;
  const key = versionKey(version);
  return ({ file, project }) => project === name && versionKey(releaseVersionOf(file, project) ?? '') === key;
}

function tell(found: readonly Found[], several: boolean): void {
  for (const { at, last, count, client, reader, index, file, sha256, from } of found) {
    const name = reader === undefined ? '' : ` (${shownField(reader)})`;
    const times = count === 1 ? '' : ` ${count} times, last ${instantText(last)},`;
    const where = several ? ` in ${shownField(from)}` : '';
    print(
      `${instantText(at)}${times} ${shownField(client)}${name} ${index} ${shownField(file)} sha256:${sha256}${where}`,
    );
  }
  if (found.length === 0) print('Nobody, as far back as the access record goes.');
  else print(`${counted(new Set(found.map(({ client, reader }) => `${client} ${reader}`)).size, 'client')} in all.`);
}

const COLUMNS = [
  'first',
  'last',
  'count',
  'client',
  'reader',
  'index',
  'project',
  'version',
  'file',
  'sha256',
  'records',
];

/** RFC 4180. */
function tellCsv(found: readonly Found[]): void {
  print(COLUMNS.join(','));
  for (const { at, last, count, client, reader = '', index, project, file, sha256, from } of found) {
    const version = versionOf(file, project) ?? '';
    const fields = [instantText(at), instantText(last), String(count), client, reader, index, project, version, file];
    print([...fields, sha256, from].map(quoted).join(','));
  }
}

/** A program for tables takes what begins so for a formula. */
function quoted(field: string): string {
  const text = /^[=+\-@\t\r]/.test(field) ? `'${field}` : field;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
