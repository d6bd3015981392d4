import { describe, expect, test } from 'vitest';
import { binIndex, createBins, pathHash, prefixesOf } from '../../../src/demo/bins.ts';
import type { Repository } from '../../../src/demo/repository.ts';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { createClient, reasonOf, type TestClient } from '../../support/client.ts';
import { authority } from '../../support/keys.ts';
import { createSimulator, type Simulator, type SimulatorOptions } from '../../support/simulator.ts';

const content = (text: string) => Buffer.from(text);

async function refreshed(fill: (repository: Repository) => void, options: SimulatorOptions = {}) {
  const simulator = createSimulator({ ...options, fill });
  const client = createClient(simulator);
  await client.refresh();
  simulator.reads.length = 0;
  return { simulator, client };
}

/** A delegation for every path, and a target of that role's own. */
function role(repository: Repository, from: string, name: string, paths = ['*', '*/*'], terminating = false): void {
  repository.delegate(from, { name, authority: authority([name]), paths, terminating });
}

async function found(client: TestClient, path: string) {
  const { target, listedBy, visited } = await client.find(path);
  return {
    by: target && (listedBy?.by?.name ?? 'targets'),
    visited: visited.map((visit) => visit.by?.name ?? 'targets'),
    length: target?.length,
  };
}

describe('the order of a search (TUF §5.6.7)', () => {
  test('targets itself comes first, and nobody else is asked', async () => {
    const { client, simulator } = await refreshed((r) => {
      role(r, 'targets', 'a');
      r.addTarget('targets', 'x', content('top'));
      r.addTarget('a', 'x', content('delegated'));
    });
    expect(await found(client, 'x')).toEqual({ by: 'targets', visited: ['targets'], length: 3 });
    expect(simulator.reads).toEqual([]);
  });

  test('the first in listed order wins, whatever the names (CVE-2024-47534, case 32)', async () => {
    const { client } = await refreshed((r) => {
      for (const [name, text] of [
        ['b', 'from b'],
        ['a', 'from aa'],
        ['9', 'from 9 9'],
      ] as const) {
        role(r, 'targets', name);
        r.addTarget(name, 'x', content(text));
      }
    });
    expect(await found(client, 'x')).toEqual({ by: 'b', visited: ['targets', 'b'], length: 6 });
  });

  test('depth before breadth: a child of the first comes before the second', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      role(r, 'a', 'a1');
      role(r, 'a', 'a2');
      role(r, 'a1', 'a1i');
      r.addTarget('b', 'x', content('b'));
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', 'a1', 'a1i', 'a2', 'b']);
  });

  test('paths and hash prefixes keep one common order', async () => {
    const prefix = pathHash('x').slice(0, 2);
    const { client } = await refreshed((r) => {
      r.delegate('targets', { name: 'z', authority: authority(['z']), pathHashPrefixes: [prefix] });
      role(r, 'targets', 'm');
      r.delegate('targets', { name: 'a', authority: authority(['a']), pathHashPrefixes: [prefix.slice(0, 1), prefix] });
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'z', 'm', 'a']);
  });

  test('a role whose paths do not match is not asked', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['other/*']);
      r.addTarget('a', 'x', content('not its own'));
    });
    expect(await found(client, 'x')).toMatchObject({ by: undefined, visited: ['targets'] });
  });

  test('every delegation on the way must trust the path, not only the last', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['a/*']);
      role(r, 'a', 'a1', ['*/*']);
      r.addTarget('a1', 'b/x', content('beyond what a may say'));
      r.addTarget('a1', 'a/x', content('within'));
    });
    expect((await found(client, 'b/x')).by).toBeUndefined();
    expect((await found(client, 'a/x')).by).toBe('a1');
  });

  test('a path longer than any path is refused', async () => {
    const { client } = await refreshed(() => {});
    expect(await reasonOf(client.find('x'.repeat(LIMITS.targetPath + 1)))).toBe('limit');
  });
});

describe('terminating', () => {
  test('ends the search though it lacks the target', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['*'], true);
      role(r, 'targets', 'b');
      r.addTarget('b', 'x', content('b'));
    });
    expect(await found(client, 'x')).toMatchObject({ by: undefined, visited: ['targets', 'a'] });
  });

  test('its own subtree is searched, the siblings of its delegators are not', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      role(r, 'a', 'a0');
      role(r, 'a', 'a1', ['*'], true);
      role(r, 'a', 'a2');
      role(r, 'a1', 'a1i');
      r.addTarget('b', 'x', content('b'));
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', 'a0', 'a1', 'a1i']);
  });

  test('does not end searches for paths it does not match', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['claimed/*'], true);
      role(r, 'targets', 'b');
      r.addTarget('b', 'x', content('b'));
    });
    expect((await found(client, 'x')).by).toBe('b');
  });
});

describe('graphs', () => {
  test('a cycle ends (GHSA-j8x2-777p-23fc, case 31)', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'a', 'b');
      role(r, 'b', 'a');
      role(r, 'b', 'b');
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', 'b']);
  });

  test('a role named by two delegators is visited once, at its first place', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      role(r, 'a', 'shared');
      role(r, 'b', 'shared');
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', 'shared', 'b']);
  });

  const chain = (length: number) => (r: Repository) => {
    let from = 'targets';
    for (let i = 0; i < length; i++) {
      role(r, from, `r${i}`);
      from = `r${i}`;
    }
    r.addTarget(from, 'x', content('deep'));
  };

  test('as many roles as the limit are searched', async () => {
    const { client } = await refreshed(chain(LIMITS.rolesPerSearch));
    expect((await found(client, 'x')).by).toBe(`r${LIMITS.rolesPerSearch - 1}`);
  });

  test('one more is an error, never "absent" (case 31)', async () => {
    const { client } = await refreshed(chain(LIMITS.rolesPerSearch + 1));
    expect(await reasonOf(client.find('x'))).toBe('delegation');
    expect(await reasonOf(client.find('absent'))).toBe('delegation');
  });

  test('a thousand siblings are an error too', async () => {
    const { client, simulator } = await refreshed((r) => {
      for (let i = 0; i < 1000; i++)
        r.delegate('targets', { name: `r${i}`, authority: authority(['r']), paths: ['*'] });
    });
    expect(await reasonOf(client.find('absent'))).toBe('delegation');
    expect(simulator.reads.length).toBe(LIMITS.rolesPerSearch);
  });
});

describe('bins', () => {
  test('the vector of TAP 15 as python-tuf and tuf-js have it', () => {
    expect(createBins('bins', 14).binOf('django')).toBe('bins-1f62');
  });

  test('prefixes of 16,384 bins: four of four digits each (PEP 458)', () => {
    expect(prefixesOf(0, 14)).toEqual(['0000', '0001', '0002', '0003']);
    expect(prefixesOf(16_383, 14)).toEqual(['fffc', 'fffd', 'fffe', 'ffff']);
    expect(prefixesOf(5, 4)).toEqual(['5']);
    expect(prefixesOf(1, 1)).toEqual(['8', '9', 'a', 'b', 'c', 'd', 'e', 'f']);
  });

  const paths = ['django', 'simple/django/index.html', 'a', 'é', 'packages/aa/bb/cc/x-1.0.whl'];

  test.each([1, 2, 3, 4, 7, 8, 9])('%i bits: prefixes and succinct names find the same bin', async (bits) => {
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

  test('succinct: django in bins-1f62 of 16,384', async () => {
    const { client, simulator } = await refreshed((r) => {
      r.delegateSuccinct('targets', 'bins', 14, authority(['online']));
      r.addTarget('bins-1f62', 'django', content('page'));
    });
    expect((await found(client, 'django')).by).toBe('bins-1f62');
    expect(simulator.reads).toEqual(['1.bins-1f62.json']);
  });

  test('32 bits of bins are names only, never a list', async () => {
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

  test('only a name that really is a bin is delegated to (GHSA-77hh-43cm-v8j6)', async () => {
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

  test.each(['bins-0A', 'bins-1x', 'bins-+1', 'bins- 1', 'bins-100', 'bins-1'])('%j is no bin of 256', async (name) => {
    const { client } = await refreshed((r) => {
      r.delegateSuccinct('targets', 'bins', 8, authority(['online']));
    });
    expect((await client.refresh()).targets.signed.delegations?.named(name)).toBeUndefined();
  });

  test('a bin whose prefixes do not match is not asked', async () => {
    const others = Array.from('0123456789abcdef').filter((digit) => digit !== pathHash('x').slice(0, 1));
    const { client } = await refreshed((r) => {
      r.delegate('targets', { name: 'a', authority: authority(['a']), pathHashPrefixes: others });
      r.addTarget('a', 'x', content('not its own'));
    });
    expect(await found(client, 'x')).toMatchObject({ by: undefined, visited: ['targets'] });
  });

  test('a succinct bin ends the search, as python-tuf and tuf-js have it', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      r.delegateSuccinct('a', 'bins', 1, authority(['online']));
      r.addTarget('b', 'x', content('b'));
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', createBins('bins', 1).binOf('x')]);
  });

  test('upper-case prefixes match nothing', async () => {
    const path = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].find((name) => /^[a-f]/.test(pathHash(name))) ?? expect.fail();
    const upper = pathHash(path).slice(0, 1).toUpperCase();
    const { client } = await refreshed((r) => {
      r.delegate('targets', { name: 'a', authority: authority(['a']), pathHashPrefixes: [upper] });
      r.delegate('targets', { name: 'b', authority: authority(['a']), pathHashPrefixes: [upper.toLowerCase()] });
    });
    expect((await found(client, path)).visited).toEqual(['targets', 'b']);
  });
});

describe('loading the roles of a search', () => {
  test('a role is asked for by the version in the snapshot, its name as one path segment', async () => {
    const odd = '../delegated role?#%é';
    const { client, simulator } = await refreshed((r) => {
      role(r, 'targets', odd);
      r.addTarget(odd, 'x', content('x'));
    });
    expect((await found(client, 'x')).by).toBe(odd);
    expect(simulator.reads).toEqual([`1.${encodeURIComponent(odd)}.json`]);
  });

  async function failing(break_: (simulator: Simulator) => void) {
    const { client, simulator } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      r.addTarget('b', 'x', content('b'));
    });
    break_(simulator);
    return reasonOf(client.find('x'));
  }

  test('a role that is gone ends the search: its younger siblings must not answer', async () => {
    expect(await failing((simulator) => simulator.drop('1.a.json'))).toBe('mix-and-match');
  });

  test('so does a role that cannot be verified', async () => {
    expect(await failing((simulator) => simulator.instead('1.a.json', simulator.bytes('1.b.json')))).toBe('threshold');
  });

  test('so does a role that is not metadata', async () => {
    expect(await failing((simulator) => simulator.instead('1.a.json', content('null')))).toBe('format');
  });
});
