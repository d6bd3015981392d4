import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sign } from '../src/repository/documents.ts';
import type { Style } from '../src/repository/json-writer.ts';
import { ed25519Key } from '../src/repository/signing-keys.ts';
import { pythonTuf } from '../test/support/environments.ts';
import { withDirectory } from './support/index.ts';
import { childFile, run } from './support/processes.ts';
import { atMost, compare, type Measure, median, milliseconds, type Row } from './support/table.ts';

const BINS = 16_384;
const ROUNDS = 9;
/** What a snapshot looks like depends on who wrote it; only the first form is canonical JSON already. */
const FORMS: readonly (readonly [name: string, style: Style])[] = [
  ['compact, sorted', { order: 'sorted' }],
  ['indented, as python-tuf writes', { order: 'sorted', indent: 1 }],
  ['compact, members in no order', { order: 'reversed' }],
];

/** A snapshot of PEP 458's 16,384 bins, with hashes: processor time to accept it, against python-tuf. */
export const snapshot: Measure = async (log) => {
  const python = await pythonTuf();
  const rows: Row[] = [];
  for (const [name, style] of FORMS)
    await withDirectory(async (directory) => {
      log(`snapshot: ${name}`);
      const bytes = writeDocuments(directory, style);
      const what = `snapshot of ${BINS.toLocaleString('en')} bins with hashes (${(bytes / 1e6).toFixed(1)} MB, ${name})`;
      const ours = await figures(process.execPath, [childFile('judge-snapshot.ts'), directory, String(ROUNDS)]);
      const theirs =
        python === undefined
          ? undefined
          : await figures(join(python, 'python'), [childFile('judge_snapshot.py'), directory, String(ROUNDS)]);
      rows.push(
        compare({
          what: `${what}: processor time`,
          ours: median(ours.cpu),
          beside: ['python-tuf', theirs && median(theirs.cpu)],
          show: milliseconds,
          atMost: 0.5,
        }),
        atMost(`${what}: longest hold of the event loop`, median(ours.held), 50, milliseconds),
      );
    });
  return rows;
};

interface Figures {
  /** Milliseconds of processor time, one a round. */
  readonly cpu: readonly number[];
  /** Milliseconds the event loop was not free at one time, the longest of each round. */
  readonly held: readonly number[];
}

async function figures(command: string, args: readonly string[]): Promise<Figures> {
  return JSON.parse((await run(command, args)).stdout) as Figures;
}

/** root.json, timestamp.json and snapshot.json; returns the snapshot's size. */
function writeDocuments(directory: string, style: Style): number {
  const key = ed25519Key();
  const authority = { keyids: [key.keyid], threshold: 1 };
  const common = { spec_version: '1.0.34', version: 1, expires: '2036-01-01T00:00:00Z' };
  const roles = { root: authority, timestamp: authority, snapshot: authority, targets: authority };
  const keys = { [key.keyid]: key.public };
  const write = (name: string, document: object): Uint8Array => {
    const bytes = sign({ ...common, ...document }, [key], style);
    writeFileSync(join(directory, name), bytes);
    return bytes;
  };
  const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

  write('root.json', { _type: 'root', consistent_snapshot: true, keys, roles });
  const meta: Record<string, object> = { 'targets.json': { version: 1 } };
  for (let bin = 0; bin < BINS; bin++)
    meta[`bin-${bin.toString(16).padStart(4, '0')}.json`] = {
      version: 1 + (bin % 7),
      length: 54_349,
      hashes: { sha256: sha256(`bin ${bin}`) },
    };
  const bytes = write('snapshot.json', { _type: 'snapshot', meta });
  write('timestamp.json', {
    _type: 'timestamp',
    meta: { 'snapshot.json': { version: 1, length: bytes.length, hashes: { sha256: sha256(bytes) } } },
  });
  return bytes.length;
}
