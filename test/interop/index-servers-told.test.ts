import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { SERVERS } from '../support/environments.ts';
import { type IndexServer, LIVE_SERVERS, STATIC_SERVERS } from './index-servers.ts';

it('docs/indexes.md has what comes of every index server that is mirrored here', async () => {
  const text = await readFile(new URL('../../docs/indexes.md', import.meta.url), 'utf8');
  const [, table = ''] = text.split('\n| tried with |');
  const [, , ...rows] = (table.split('\n\n')[0] ?? '').trim().split('\n');
  expect(rows).toEqual([...STATIC_SERVERS, ...LIVE_SERVERS].map(rowOf));
});

function rowOf({ program, how, kind, introduced, evidence, coreMetadata, unknown }: IndexServer): string {
  const { form, digests, list } = introduced;
  const cells = [
    `${program} ${SERVERS[program]}${how === undefined ? '' : `, ${how}`}`,
    kind === undefined ? '-' : `\`${kind}\``,
    form.toUpperCase(),
    list === 'none' ? 'no' : 'yes',
    digests,
    `\`${evidence}\``,
    coreMetadata ? 'passed on' : '-',
    unknown,
  ];
  return `| ${cells.join(' | ')} |`;
}
