import { ArchiveWriter } from '../../src/advisories/archive.ts';
import type { AdvisoriesConfig } from '../../src/config/advisories/schema.ts';
import { DAY, HOUR } from './clock.ts';

// Advisories in the format of OSV, and archives of them.

export const range = (...events: readonly object[]) => ({ ranges: [{ type: 'ECOSYSTEM', events }] });

/** Of one project; `affected` says which versions. */
export function advisory(id: string, project: string, affected: object, more: object = {}): object {
  return {
    schema_version: '1.7.3',
    id,
    modified: '2026-03-24T15:35:00Z',
    affected: [{ package: { ecosystem: 'PyPI', name: project }, ...affected }],
    ...more,
  };
}

/** As OSV exports them: a zip with a file each. A record that is bytes is taken as it is. */
export function archiveOf(records: readonly (object | Buffer)[]): Buffer {
  const writer = new ArchiveWriter();
  const parts = records.map((record, at) =>
    Buffer.isBuffer(record)
      ? writer.add(`broken-${at}.json`, record)
      : writer.add(`${'id' in record ? String(record.id) : at}.json`, Buffer.from(JSON.stringify(record))),
  );
  return Buffer.concat([...parts, writer.end()]);
}

/** What a configuration says that names only where advisories come from. */
export function advisoriesFrom(from: AdvisoriesConfig['from']): AdvisoriesConfig {
  return {
    from,
    ca: undefined,
    refresh: HOUR,
    maxAge: 3 * DAY,
    malware: 'deny',
    vulnerable: 'report',
    notOf: [],
  };
}
