import { createHash, randomBytes } from 'node:crypto';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqlite } from '../../../../src/disk/database/sqlite.ts';
import type { DocumentsDatabase } from '../../../../src/disk/records/documents-database.ts';
import { documentsOf, scratchDirectory } from '../state/rig.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const document = (size = 100) => {
  const bytes = new Uint8Array(randomBytes(size));
  return { bytes, key: sha256(bytes) };
};
const putOne = async (documents: DocumentsDatabase, key: string, bytes: Uint8Array) =>
  (await documents.put(new Map([[key, bytes]]))).has(key);
const fileOf = (root: string) => join(root, 'documents', 'documents.db');

describe('small documents', () => {
  it('come back by their digest, also after a restart and to another process', async () => {
    const root = await scratchDirectory();
    const documents = documentsOf(root);
    const [one, none] = [document(), document()];
    expect(await documents.get(one.key)).toBeUndefined();
    expect(await putOne(documents, one.key, one.bytes)).toBe(true);
    expect(await putOne(documents, one.key, one.bytes)).toBe(true);
    expect(await documents.get(one.key)).toEqual(one.bytes);
    expect(await documents.get(none.key)).toBeUndefined();
    expect(await documentsOf(root).get(one.key)).toEqual(one.bytes);
    await documents.close();
    expect(await documentsOf(root, { readOnly: true }).get(one.key)).toEqual(one.bytes);
  });

  it('are small: what is larger is not taken', async () => {
    const documents = documentsOf(await scratchDirectory());
    const [most, more] = [document(64 * 1024), document(64 * 1024 + 1)];
    expect(await putOne(documents, most.key, most.bytes)).toBe(true);
    expect(await putOne(documents, more.key, more.bytes)).toBe(false);
    expect(await documents.get(most.key)).toEqual(most.bytes);
    expect(await documents.get(more.key)).toBeUndefined();
  });

  it('have so much room and no more: what goes beyond it is not taken, until others are removed', async () => {
    const root = await scratchDirectory();
    const documents = documentsOf(root, { mostBytes: 100_000 });
    const given = Array.from({ length: 100 }, () => document(60_000));
    const taken: string[] = [];
    for (const { key, bytes } of given) if (await putOne(documents, key, bytes)) taken.push(key);
    expect(taken.length).toBeLessThan(30);
    expect((await stat(fileOf(root))).size).toBeLessThan(3_000_000);
    for (const key of taken) await documents.remove(key);
    const [one] = given.slice(-1);
    expect(one && (await putOne(documents, one.key, one.bytes))).toBe(true);
  });

  it('that come together are kept each for itself, where not all of them fit', async () => {
    const documents = documentsOf(await scratchDirectory(), { mostBytes: 100_000 });
    const [large, small] = [Array.from({ length: 40 }, () => document(60_000)), document()];
    const kept = await documents.put(new Map([...large, small].map(({ key, bytes }) => [key, bytes])));
    expect(kept.has(small.key)).toBe(true);
    expect(kept.size).toBeLessThan(30);
    for (const { key, bytes } of [...large, small])
      expect(await documents.get(key)).toEqual(kept.has(key) ? bytes : undefined);
  });

  it('that wait for the disk are told from those that are not there', async () => {
    const documents = documentsOf(await scratchDirectory());
    const [one, other, none] = [document(), document(), document()];
    await documents.put(new Map([one, other].map(({ key, bytes }) => [key, bytes])));
    expect(await documents.sync([one.key, none.key, other.key])).toEqual(new Set([one.key, other.key]));
  });

  it('are listed whole, however many there are', async () => {
    const documents = documentsOf(await scratchDirectory());
    const all = Array.from({ length: 1100 }, (_, at) => document(at));
    await Promise.all(all.map(({ key, bytes }) => putOne(documents, key, bytes)));
    const listed = new Map<string, number>();
    for await (const { sha256: key, size } of documents.list()) listed.set(key, size);
    expect(listed).toEqual(new Map(all.map(({ key, bytes }) => [key, bytes.byteLength])));
  });

  it('are read as they lie there, and are there or not, without a look at them', async () => {
    const documents = documentsOf(await scratchDirectory());
    const [one, two] = [document(), document()];
    await putOne(documents, one.key, two.bytes);
    expect(await documents.has(one.key)).toBe(true);
    expect(await documents.has(two.key)).toBe(false);
    expect(await documents.read(one.key)).toEqual(two.bytes);
    expect(await documents.get(one.key)).toBeUndefined();
    expect(await documents.has(one.key)).toBe(false);
  });

  it('that are damaged are not there, and are taken again', async () => {
    const root = await scratchDirectory();
    const documents = documentsOf(root);
    const [one, two] = [document(), document()];
    await putOne(documents, one.key, one.bytes);
    await putOne(documents, two.key, two.bytes);
    const database = new (sqlite().DatabaseSync)(fileOf(root));
    for (const content of ["x'00'", 'zeroblob(100000000)']) {
      database.exec(`UPDATE document SET content = ${content} WHERE id = 1`);
      expect(await documents.get(one.key)).toBeUndefined();
      await putOne(documents, one.key, one.bytes);
      expect(await documents.get(one.key)).toEqual(one.bytes);
      database.exec('UPDATE document SET id = 1 WHERE id = (SELECT max(id) FROM document)');
    }
    database.close();
    expect(await documents.get(two.key)).toEqual(two.bytes);
  });

  it('in a database that is damaged, or moved away, are begun anew', async () => {
    for (const harm of [
      (root: string) => truncate(fileOf(root), 5000),
      (root: string) => writeFile(fileOf(root), 'x'.repeat(8192)),
      (root: string) => rm(fileOf(root)),
      (root: string) => rm(join(root, 'documents'), { recursive: true }),
    ]) {
      const root = await scratchDirectory();
      const first = documentsOf(root);
      const one = document();
      await putOne(first, one.key, one.bytes);
      await first.close();
      await harm(root);
      const documents = documentsOf(root);
      expect(await documents.get(one.key)).toBeUndefined();
      expect(await putOne(documents, one.key, one.bytes)).toBe(true);
      expect(await documents.get(one.key)).toEqual(one.bytes);
    }
  });

  it('that are removed are gone', async () => {
    const documents = documentsOf(await scratchDirectory());
    const [one, two] = [document(), document()];
    await putOne(documents, one.key, one.bytes);
    await putOne(documents, two.key, two.bytes);
    await documents.remove(one.key);
    await documents.remove(one.key);
    expect(await documents.get(one.key)).toBeUndefined();
    expect(await documents.get(two.key)).toEqual(two.bytes);
  });

  it('on a disk that does not take them are not kept, and nobody is told off', async () => {
    const root = await scratchDirectory();
    await writeFile(join(root, 'documents'), 'in the way');
    const documents = documentsOf(root, { readOnly: true });
    const one = document();
    expect(await documents.get(one.key)).toBeUndefined();
    await documents.remove(one.key);
  });
});
