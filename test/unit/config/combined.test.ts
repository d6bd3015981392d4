import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { indexOf } from '../../../src/app/data-directory.ts';
import { defaultIndexOf, linkBase } from '../../../src/app/server-files.ts';
import { ConfigRefusal } from '../../../src/config/faults.ts';
import { loadConfig } from '../../../src/config/load.ts';

// One address over several indexes: what may be said of it, and in which words anything else is refused.

const INDEXES = `
  private: { upstream: https://private.example/simple/, evidence: index }
  public: { upstream: https://public.example/simple/, evidence: index }
`;

function load(text: string, flags = {}) {
  const file = join(mkdtempSync(join(tmpdir(), 'verbatim-combined-')), 'verbatim.yaml');
  writeFileSync(file, text);
  return loadConfig({ file, env: {}, flags });
}

const combined = (lines: string, more = '') => `indexes:${INDEXES}  main: ${lines}\n${more}`;

function faults(text: string, flags = {}): readonly string[] {
  try {
    load(text, flags);
  } catch (error) {
    if (!(error instanceof ConfigRefusal)) throw error;
    return error.faults.map(({ where, what }) => `${where}: ${what}`);
  }
  return [];
}

describe('an address over several indexes', () => {
  it('is no index, and has none of its settings', () => {
    const config = load(combined('{ of: [private, public], owned: { private: [Acme_*, acme.tools] } }'));
    expect(Object.keys(config.indexes)).toEqual(['private', 'public']);
    expect(config.addresses?.['main']).toEqual({
      name: 'main',
      of: ['private', 'public'],
      owned: { private: ['acme-*', 'acme-tools'] },
    });
    expect(load('indexes:\n  main: { upstream: https://a.example/, evidence: index }\n').addresses).toEqual({});
  });

  it('called main lies at the root, and links of its members stay theirs', () => {
    const said = 'server: { public_url: https://mirror.example/, links: absolute }\n';
    const config = load(combined('{ of: [private, public] }', said));
    expect(defaultIndexOf(config)).toBe('main');
    expect(linkBase(config, 'private')).toBe('https://mirror.example/private/');
    expect(defaultIndexOf(load(`indexes:${INDEXES}  all: { of: [private, public] }\n`))).toBe('all');
  });

  it('is not what a command for one index works on', () => {
    const config = load(combined('{ of: [private, public] }'));
    expect(() => indexOf(config, 'main')).toThrow(
      'main is one address over several indexes (private, public): name the one that is meant.',
    );
    expect(indexOf(config, 'private').name).toBe('private');
  });

  it.each([
    ['an index that is not there', '{ of: [private, pubic] }', 'main.of: there is no index "pubic"'],
    ['itself', '{ of: [private, main] }', 'main.of: names itself'],
    ['one index twice', '{ of: [private, private] }', 'main.of: names private twice'],
    ['none', '{ of: [] }', 'main.of: must name two indexes at least'],
    ['one index', '{ of: [private] }', 'main.of: must name two indexes at least'],
    [
      'more than anybody has',
      `{ of: [${Array.from({ length: 17 }, (_, at) => `a${at}`).join(', ')}] }`,
      'main.of: must name sixteen indexes at most',
    ],
    [
      'more than globs are for',
      `{ of: [private, public], owned: { private: [${Array.from({ length: 1001 }, (_, at) => `a${at}`).join(', ')}] } }`,
      'main.owned.private: must be a thousand at most',
    ],
    [
      'an owner that is not in it',
      '{ of: [private, public], owned: { secret: [a] } }',
      'main.owned.secret: owns names',
    ],
    [
      'two owners of one name',
      '{ of: [private, public], owned: { private: [acme-*], public: [Acme.*] } }',
      'main.owned.public: owns acme-*, which private owns as well',
    ],
    [
      'an owner of every name',
      '{ of: [private, public], owned: { private: ["*"] } }',
      'main.owned.private.0: must be a project',
    ],
    [
      'an owner of versions',
      '{ of: [private, public], owned: { private: ["acme <2"] } }',
      'main.owned.private.0: must be a project',
    ],
    [
      'owned names of an index',
      '{ upstream: https://a.example/, evidence: index, owned: { a: [b] } }',
      'main.owned: has no meaning without of',
    ],
  ])('is refused for naming %s', (_, lines, fault) => {
    const found = faults(combined(lines));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`indexes.${fault}`);
  });

  it('is refused over another such address, so that there is no circle', () => {
    const found = faults(`indexes:${INDEXES}  main: { of: [private, both] }\n  both: { of: [main, public] }\n`);
    expect(found.map((each) => each.slice(0, 40))).toEqual([
      'indexes.main.of: both is over several in',
      'indexes.both.of: main is over several in',
    ]);
  });

  it('is refused with anything that is an index’s own, in a file or by a flag', () => {
    const found = faults(
      combined(
        '{ of: [private, public], upstream: https://a.example/, evidence: index, minimum_age: 7d, max_age: 60 }',
      ),
    );
    expect(found.map((each) => each.split(':')[0])).toEqual(
      ['indexes.main.upstream', 'indexes.main.evidence', 'indexes.main.minimum_age', 'indexes.main.max_age'].map(
        (each) => expect.stringContaining(each),
      ),
    );
    expect(found[0]).toContain('has no meaning with of');
    expect(faults(combined('{ of: [private, public] }'), { upstream: 'https://a.example/' })).not.toEqual([]);
  });

  it('is nothing that a sync or a list of exceptions can mean', () => {
    const sync = 'sync: { jobs: { nightly: { index: main, projects: [a] } } }\n';
    expect(faults(combined('{ of: [private, public] }', sync))).toEqual([
      'sync.jobs.nightly.index: main is over several indexes: name the one that is meant',
    ]);
    const advisories = 'advisories: { folder: ./osv, not_of: [main] }\n';
    expect(faults(combined('{ of: [private, public] }', advisories))).toEqual([
      'advisories: speaks of the index main (not_of), and there is none of that name',
    ]);
  });
});
