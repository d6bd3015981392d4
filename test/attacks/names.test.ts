import { describe, expect, it } from 'vitest';
import { encodeRole } from '../../src/repository/documents.ts';
import { createClient, reasonOf } from '../support/client.ts';
import { authority } from '../support/keys.ts';
import { createSimulator } from '../support/simulator.ts';

// Role and target names are data of strangers. The core hands them on as names and never makes a path of them; names
// that would share a file with somebody else's metadata are refused.

const odd = [
  '../../x',
  '..',
  '.',
  '/etc/passwd',
  'a/b',
  'a\\b',
  'C:\\x',
  'con',
  'ROOT',
  'nul\0byte',
  'line\nfeed',
  '?query#fragment',
  '%2e%2e%2f',
  '１.root',
  '3rd-party',
  '9',
  '__proto__',
  'constructor',
  'toString',
  'ünï/çødé',
  'x'.repeat(300),
];

describe('odd role names (CVE-2021-41131, CVE-2021-41150)', () => {
  it.each(odd)('%j is one name, asked for as such', async (name) => {
    const simulator = createSimulator({
      fill(r) {
        r.delegate('targets', { name, authority: authority(['a']), paths: ['*'] });
        r.addTarget(name, 'x', Buffer.from('x'));
      },
    });
    const roles: string[] = [];
    const client = createClient({
      ...simulator,
      source: {
        read(request) {
          roles.push(request.role);
          return simulator.source.read(request);
        },
      },
    });
    await client.refresh();
    expect((await client.find('x')).listedBy?.by?.name).toBe(name);
    expect(roles.at(-1)).toBe(name);
    expect(simulator.reads.at(-1)).toBe(`1.${encodeRole(name)}.json`);
    expect(simulator.reads.at(-1)).not.toContain('/');
  });

  it.each(['root', 'timestamp', 'snapshot', 'targets', '1.root', '007.root', ''])('%j is refused', async (name) => {
    const simulator = createSimulator();
    simulator.repository.role('targets').delegations = {
      keys: new Map(),
      roles: [{ name, keyids: [], threshold: 1, terminating: false, paths: ['*'] }],
    };
    simulator.repository.touch('targets');
    simulator.repository.publish();
    expect(await reasonOf(createClient(simulator).refresh())).toBe('format');
  });
});

describe('odd target names (CVE-2021-41149, CVE-2026-6968)', () => {
  const names = [
    '../x',
    '/abs',
    'a//b',
    'a/./b',
    'C:\\x',
    'nul\0',
    '__proto__',
    'constructor',
    'é',
    'e\u0301',
    '',
    '.',
  ];
  it.each(names)('%j is found by exactly that name', async (name) => {
    const simulator = createSimulator({ fill: (r) => r.addTarget('targets', name, Buffer.from('1234')) });
    const client = createClient(simulator);
    await client.refresh();
    expect((await client.find(name)).target?.length).toBe(4);
    for (const other of names.filter((each) => each !== name))
      expect((await client.find(other)).target, other).toBeUndefined();
  });

  it('names every object has are no targets', async () => {
    const client = createClient(createSimulator());
    await client.refresh();
    for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect((await client.find(name)).target).toBeUndefined();
  });
});
