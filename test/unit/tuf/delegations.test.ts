import { describe, expect, it } from 'vitest';
import { pathHash } from '../../../src/repository/bins.ts';
import type { Repository } from '../../../src/repository/repository.ts';
import { LIMITS } from '../../../src/tuf/limits.ts';
import { reasonOf } from '../../support/client.ts';
import { authority, key } from '../../support/keys.ts';
import { content, found, refreshed, role } from '../../support/search.ts';
import type { Simulator } from '../../support/simulator.ts';

describe('the order of a search (TUF §5.6.7)', () => {
  it('targets itself comes first, and nobody else is asked', async () => {
    const { client, simulator } = await refreshed((r) => {
      role(r, 'targets', 'a');
      r.addTarget('targets', 'x', content('top'));
      r.addTarget('a', 'x', content('delegated'));
    });
    expect(await found(client, 'x')).toEqual({ by: 'targets', visited: ['targets'], length: 3 });
    expect(simulator.reads).toEqual([]);
  });

  it('the first in listed order wins, whatever the names (CVE-2024-47534)', async () => {
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

  it('depth before breadth: a child of the first comes before the second', async () => {
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

  it('paths and hash prefixes keep one common order', async () => {
    const prefix = pathHash('x').slice(0, 2);
    const { client } = await refreshed((r) => {
      r.delegate('targets', { name: 'z', authority: authority(['z']), pathHashPrefixes: [prefix] });
      role(r, 'targets', 'm');
      r.delegate('targets', { name: 'a', authority: authority(['a']), pathHashPrefixes: [prefix.slice(0, 1), prefix] });
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'z', 'm', 'a']);
  });

  it('a role whose paths do not match is not asked', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['other/*']);
      r.addTarget('a', 'x', content('not its own'));
    });
    expect(await found(client, 'x')).toMatchObject({ by: undefined, visited: ['targets'] });
  });

  it('every delegation on the way must trust the path, not only the last', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['a/*']);
      role(r, 'a', 'a1', ['*/*']);
      r.addTarget('a1', 'b/x', content('beyond what a may say'));
      r.addTarget('a1', 'a/x', content('within'));
    });
    expect((await found(client, 'b/x')).by).toBeUndefined();
    expect((await found(client, 'a/x')).by).toBe('a1');
  });

  it('a path longer than any path is refused', async () => {
    const { client } = await refreshed(() => {});
    expect(await reasonOf(client.find('x'.repeat(LIMITS.targetPath + 1)))).toBe('limit');
  });
});

describe('terminating', () => {
  it('ends the search though it lacks the target', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['*'], true);
      role(r, 'targets', 'b');
      r.addTarget('b', 'x', content('b'));
    });
    expect(await found(client, 'x')).toMatchObject({ by: undefined, visited: ['targets', 'a'] });
  });

  it('its own subtree is searched, the siblings of its delegators are not', async () => {
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

  it('does not end searches for paths it does not match', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a', ['claimed/*'], true);
      role(r, 'targets', 'b');
      r.addTarget('b', 'x', content('b'));
    });
    expect((await found(client, 'x')).by).toBe('b');
  });
});

describe('graphs', () => {
  it('a cycle ends (GHSA-j8x2-777p-23fc)', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'a', 'b');
      role(r, 'b', 'a');
      role(r, 'b', 'b');
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', 'b']);
  });

  it('a role named by two delegators is visited under each (TUF 1.0.37 §5.6.7)', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      role(r, 'a', 'shared');
      role(r, 'b', 'shared');
    });
    expect((await found(client, 'x')).visited).toEqual(['targets', 'a', 'shared', 'b', 'shared']);
  });

  it('a role that one delegator shows to be forged ends the search there, whatever another delegator said of it', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      r.delegate('a', { name: 'c', authority: authority(['c']), paths: ['*'] });
      r.delegate('b', { name: 'c', authority: authority(['another c']), paths: ['*'] });
      r.signers.set('c', [key('c')]);
      role(r, 'b', 'e');
      r.addTarget('e', 'x', content('behind it'));
    });
    expect(await reasonOf(client.find('x'))).toBe('threshold');
  });

  it('what ends the search below one delegator ends it below the other too', async () => {
    const { client } = await refreshed((r) => {
      role(r, 'targets', 'a');
      role(r, 'targets', 'b');
      role(r, 'a', 'shared');
      role(r, 'b', 'shared', ['*'], true);
      role(r, 'b', 'e');
      r.addTarget('e', 'x', content('behind it'));
    });
    expect(await found(client, 'x')).toMatchObject({
      by: undefined,
      visited: ['targets', 'a', 'shared', 'b', 'shared'],
    });
  });

  it('paths that multiply are an error at the limit: visits are counted, not names', async () => {
    const { client, simulator } = await refreshed((r) => {
      const layers = [['targets'], ['a0', 'a1', 'a2'], ['b0', 'b1', 'b2'], ['c0', 'c1', 'c2'], ['d0', 'd1', 'd2']];
      for (const [i, layer] of layers.entries())
        for (const from of layers[i - 1] ?? []) for (const to of layer) role(r, from, to);
    });
    expect(await reasonOf(client.find('absent'))).toBe('delegation');
    expect(simulator.reads.length).toBeLessThanOrEqual(LIMITS.visitsPerSearch);
  });

  const chain = (length: number) => (r: Repository) => {
    let from = 'targets';
    for (let i = 0; i < length; i++) {
      role(r, from, `r${i}`);
      from = `r${i}`;
    }
    r.addTarget(from, 'x', content('deep'));
  };

  it('as many roles as the limit are searched', async () => {
    const { client } = await refreshed(chain(LIMITS.visitsPerSearch));
    expect((await found(client, 'x')).by).toBe(`r${LIMITS.visitsPerSearch - 1}`);
  });

  it('one more is an error, never "absent"', async () => {
    const { client } = await refreshed(chain(LIMITS.visitsPerSearch + 1));
    expect(await reasonOf(client.find('x'))).toBe('delegation');
    expect(await reasonOf(client.find('absent'))).toBe('delegation');
  });

  it('a thousand siblings are an error too', async () => {
    const { client, simulator } = await refreshed((r) => {
      for (let i = 0; i < 1000; i++)
        r.delegate('targets', { name: `r${i}`, authority: authority(['r']), paths: ['*'] });
    });
    expect(await reasonOf(client.find('absent'))).toBe('delegation');
    expect(simulator.reads.length).toBe(LIMITS.visitsPerSearch);
  });
});

describe('loading the roles of a search', () => {
  it('a role is asked for by the version in the snapshot, its name as one path segment', async () => {
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

  it('a role that is gone ends the search: its younger siblings must not answer', async () => {
    expect(await failing((simulator) => simulator.drop('1.a.json'))).toBe('mix-and-match');
  });

  it('so does a role that cannot be verified', async () => {
    expect(await failing((simulator) => simulator.instead('1.a.json', simulator.bytes('1.b.json')))).toBe('threshold');
  });

  it('so does a role that is not metadata', async () => {
    expect(await failing((simulator) => simulator.instead('1.a.json', content('null')))).toBe('format');
  });
});
