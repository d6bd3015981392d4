import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { DatabaseThread } from '../../../../src/disk/database/database-thread.ts';
import { sqlite } from '../../../../src/disk/database/sqlite.ts';
import { createDurable } from '../../../../src/disk/durable.ts';
import { nodeFileOps } from '../../../../src/disk/file-ops.ts';
import { RecordsDatabase } from '../../../../src/disk/records/records-database.ts';
import { recordsOf, scratchDirectory } from '../state/rig.ts';

// What somebody put beside the records, or into them, between two looks.

const fileOf = (root: string) => join(root, 'records', 'records.db');

/** A directory with a line in its records, which are closed. */
async function recorded(): Promise<string> {
  const root = await scratchDirectory();
  await mkdir(join(root, 'tmp'));
  const records = recordsOf(root);
  await records.append('journal', ['{"at":1}', '{"at":2}', '{"at":3}'], 1e6);
  await records.close();
  return root;
}

function behind(root: string, sql: string): void {
  const database = new (sqlite().DatabaseSync)(fileOf(root));
  database.exec(sql);
  database.close();
}

const refused = (words: string) => ({ reason: 'state', transient: false, message: expect.stringContaining(words) });

it('records that hold another table than ours are not read', async () => {
  const root = await recorded();
  behind(root, 'CREATE TABLE more (x)');
  await expect(recordsOf(root, true).count('journal')).rejects.toMatchObject(refused('tables are not the ones'));
});

it('records beside which a journal was put since they were read are not written to', async () => {
  const root = await recorded();
  const records = recordsOf(root);
  expect(await records.count('journal')).toBe(3);
  await writeFile(`${fileOf(root)}-journal`, '');
  await expect(records.append('journal', ['{"at":4}'], 1e6)).rejects.toMatchObject(refused('was not written by us'));
});

it('records that came to lie there while new ones were made are looked at like any', async () => {
  const root = await recorded();
  await writeFile(`${fileOf(root)}-journal`, '');
  let looks = 0;
  const ops: typeof nodeFileOps = {
    ...nodeFileOps,
    // Not there yet when it is first looked for.
    facts: async (path) => (path === dirname(fileOf(root)) && ++looks === 1 ? undefined : nodeFileOps.facts(path)),
  };
  const thread = new DatabaseThread();
  onTestFinished(() => thread.end());
  const durable = createDurable({ ops, root, tempDirectory: join(root, 'tmp', 'own') });
  const records = new RecordsDatabase(durable, root, thread);
  onTestFinished(() => records.close());
  await expect(records.count('journal')).rejects.toMatchObject(refused('was not written by us'));
});

it('lines that an index has in another order than it says are damage', async () => {
  const root = await recorded();
  // As pages of the index could lie there: in falling order, under words that say rising.
  behind(root, 'DROP INDEX line_kind; CREATE INDEX line_kind ON line (kind,-id)');
  const file = await readFile(fileOf(root), 'latin1');
  await writeFile(fileOf(root), file.replace('(kind,-id)', '(kind, id)'), 'latin1');
  const read = async () => {
    let lines = 0;
    for await (const _ of recordsOf(root, true).lines('journal', -10)) if (++lines > 9) return;
  };
  await expect(read()).rejects.toMatchObject({ message: expect.stringContaining('out of order') });
});
