import { expect, it } from 'vitest';
import { indexFile } from '../../../src/demo/wheels.ts';
import { makeWheel } from '../../../src/repository/make-wheel.ts';

const content = { project: 'demo-kettle', version: '1.4', summary: 'A "kettle"', requiresPython: '>=3.6' };

it('a made wheel is named by its project and gives its METADATA', async () => {
  const { filename, bytes } = makeWheel(content);
  expect(filename).toBe('demo_kettle-1.4-py3-none-any.whl');
  const file = await indexFile(filename, bytes);
  expect(file.requiresPython).toBe('>=3.6');
  expect(Buffer.from(file.coreMetadata ?? []).toString('utf8')).toContain('Name: demo-kettle\nVersion: 1.4\n');
});

it('the same content makes the same bytes; other content other bytes under the same name', () => {
  const first = makeWheel(content);
  expect(makeWheel(content).bytes).toEqual(first.bytes);
  const other = makeWheel({ ...content, summary: 'another', filename: first.filename });
  expect(other.filename).toBe(first.filename);
  expect(other.bytes).not.toEqual(first.bytes);
});
