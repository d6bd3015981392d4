import { describe, expect, it } from 'vitest';
import { binIndex, createBins, pathHash, prefixesOf } from '../../../src/repository/bins.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { createClient } from '../../support/client.ts';
import { authority } from '../../support/keys.ts';
import { content, found, refreshed, role } from '../../support/search.ts';
import { createSimulator } from '../../support/simulator.ts';

describe('bins', () => {
  it('the vector of TAP 15 as python-tuf and tuf-js have it', () => {
    expect(createBins('bins', 14).binOf('django')).toBe('bins-1f62');
  });

  it('prefixes of 16,384 bins: four of four digits each (PEP 458)', () => {
    expect(prefixesOf(0, 14)).toEqual(['0000', '0001', '0002', '0003']);
    expect(prefixesOf(16_383, 14)).toEqual(['fffc', 'fffd', 'fffe', 'ffff']);
    expect(prefixesOf(5, 4)).toEqual(['5']);
    expect(prefixesOf(1, 1)).toEqual(['8', '9', 'a', 'b', 'c', 'd', 'e', 'f']);
  });

  const paths = ['django', 'simple/django/index.html', 'a', 'é', 'packages/aa/bb/cc/x-1.0.whl'];

  it.each([1, 2, 3, 4, 7, 8, 9])('%i bits: prefixes and succinct names find the same bin', async (bits) => {
    const fill = (kind: 'delegateBins' | 'delegateSuccinct') => (r: Repository) => {
      const bins = r[kind]('targets', 'bins', bits, authority(['online']));
      for (const path of paths) r.addTarget(bins.binOf(path), path, content(path));
    };
    const byPrefix = await refreshed(fill('delegateBins'));
    const succinct = await refreshed(fill('delegateSuccinct'));
    for (const path of paths) {
      const expected = createBins('bins', bits).names[binIndex(path, bits)];
      expect((await found(byPrefix.client, path)).visited).toEqual(['targets', expected]);
      expect((await found(succinct.client, path)).visited).toEqual(['targets', expected]);
      expect((await found(succinct.client, path)).by).toBe(expected);
    }
  });

  it('succinct: django in bins-1f62 of 16,384', async () => {
    const { client, simulator } = await refreshed((r) => {
      r.delegateSuccinct('targets', 'bins', 14, authority(['online']));
      r.addTarget('bins-1f62', 'django', content('page'));
    });
    expect((await found(client, 'django')).by).toBe('bins-1f62');
    expect(simulator.reads).toEqual(['1.bins-1f62.json']);
  });

  it('32 bits of bins are names only, never a list', async () => {
    const simulator = createSimulator();
    const { repository } = simulator;
    const online = authority(['online']);
    const [held] = online.keys;
    if (held === undefined) throw new Error('no key');
    repository.delegate('targets', { name: 'unused', authority: online, paths: [] });
    repository.role('targets').delegations = {
      keys: new Map([[held.keyid, held.public]]),
      succinct_roles: { keyids: [held.keyid], threshold: 1, bit_length: 32, name_prefix: 'bins' },
    };
    repository.publish();
    const generation = await createClient(simulator).refresh();
    const { delegations } = generation.targets.signed;
    expect(delegations?.count).toBe(2 ** 32);
    expect(delegations?.childrenFor('django').map((by) => by.name)).toEqual([`bins-${pathHash('django').slice(0, 8)}`]);
    expect(delegations?.named('bins-ffffffff')?.name).toBe('bins-ffffffff');
  });

  it('only a name that really is a bin is delegated to (GHSA-77hh-43cm-v8j6)', async () => {
    const { client } = await refreshed((r) => {
      r.delegateSuccinct('targets', 'bins', 3, authority(['online']));
    });
    const { delegations } = (await client.refresh()).targets.signed;
    for (const name of ['bins-0', 'bins-7']) expect(delegations?.named(name)?.name).toBe(name);
    for (const name of [
      'bins-8',
      'bins-00',
      'bins-',
      'bins',
      'bin-0',
      'bins-A',
      'bins-x',
      'xbins-0',
      'bins-0x1',
      'bins--1',
      '',
    ])
      expect(delegations?.named(name), name).toBeUndefined();
  });

  it.each(['bins-0A', 'bins-1x', 'bins-+1', 'bins- 1', 'bins-100', 'bins-1'])('%j is no bin of 256', async (name) => {
    const { client } = await refreshed((r) => {
      r.delegateSuccinct('targets', 'bins', 8, authority(['online']));
    });
    expect((await client.refresh()).targets.signed.delegations?.named(name)).toBeUndefined();
  });

  it('a bin whose prefixes do not match is not asked', async () => {
    const others = Array.from('0123456789abcdef').filter((digit) => digit !== pathHash('x').slice(0, 1));
    const { client } = await refreshed((r) => {
      r.delegate('targets', { name: 'a', authority: authority(['a']), pathHashPrefixes: others });
      r.addTarget('a', 'x', content('not its own'));
    });
    expect(await found(client, 'x')).toMatchObject({ by: undefined, visited: ['targets'] });
  });

  it('a succinct bin ends the search, as python-tuf and tuf-js have it', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      r.delegateSuccinct('a', 'bins', 1, authority(['online']));
      r.addTarget('b', 'x', content('b'));
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', createBins('bins', 1).binOf('x')]);
  });

  it('upper-case prefixes match nothing', async () => {
    const path = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].find((name) => /^[a-f]/.test(pathHash(name))) ?? expect.fail();
    const upper = pathHash(path).slice(0, 1).toUpperCase();
    const { client } = await refreshed((r) => {
      r.delegate('targets', { name: 'a', authority: authority(['a']), pathHashPrefixes: [upper] });
      r.delegate('targets', { name: 'b', authority: authority(['a']), pathHashPrefixes: [upper.toLowerCase()] });
    });
    expect((await found(client, path)).visited).toEqual(['targets', 'b']);
  });
});
