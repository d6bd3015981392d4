import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Digests, sha256Hex } from '../../src/bytes/digest.ts';
import type { IndexState, PageContent, Pin, PinMark } from '../../src/ports/index-state.ts';
import { type ItemPath, STATE_VALUE_BYTES, type StateStorage } from '../../src/ports/state-storage.ts';
import type { PublishedTrust, TrustStore } from '../../src/ports/trust/trust-store.ts';
import { createIndexState } from '../../src/state/index-state.ts';
import { PAGE_BYTES, PINS_IN_MEMORY } from '../../src/state/limits.ts';
import { createListStore } from '../../src/state/list.ts';
import { createPins } from '../../src/state/pins.ts';
import type { StateStorageRig } from './state-storage.ts';

export interface IndexStateCase {
  readonly name: string;
  run(rig: Rig): Promise<void>;
}

/** What one index remembers, on one storage and those beside it. */
interface Rig extends StateStorageRig {
  state(storage?: StateStorage): IndexState;
}

const refused = { name: 'Refusal', reason: 'state', transient: false };
const HOUR = 3600;
const FROM = 1_000_000;

const hex = (letter: string, length = 64) => letter.repeat(length);
const sha = (letter: string): Digests => new Map([['sha256', hex(letter)]]);
const both = (letter: string, other: string): Digests =>
  new Map([
    ['sha256', hex(letter)],
    ['sha512', hex(other, 128)],
  ]);
/** A file's bytes were proved, and that alone confirms nothing. */
const proof = (file: string, digests: Digests): PinMark => ({ file, digests, confirms: () => false });
const pin = (digests: Digests, seen = 1000, coreMetadata?: Digests): Pin => ({ digests, seen, coreMetadata });
const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

/** Every project name there could be, and some that normalization leaves to nobody. */
const NAMES = ['../../x', '..', 'a/b', '', 'x'.repeat(300), 'é', 'con', 'a.b', '\0', 'Demo', 'demo', '%2F'];

function published(version: number, over: Partial<PublishedTrust> = {}): PublishedTrust {
  return {
    rootVersion: 1,
    timestamp: Buffer.from(`{ "timestamp" : ${version} }\r\n`),
    snapshot: Buffer.from(`snapshot ${version}`),
    targets: Buffer.from(`targets ${version}`),
    snapshotVersion: version,
    targetsVersion: version,
    acceptedAt: FROM + version,
    publishedAt: FROM + version,
    ...over,
  };
}

async function publish(trust: TrustStore, next: PublishedTrust, replaces: string | undefined): Promise<string> {
  const result = await trust.publish(next, replaces);
  if (result.result !== 'published') throw new Error('superseded');
  return result.current;
}

const listHead = (bytes: Uint8Array) => ({
  url: 'https://index.example/simple/',
  etag: '"tag"',
  confirmedAt: FROM,
  sha256: sha256Hex(bytes),
  size: bytes.byteLength,
});

const timestamp = (version: number, rootVersion = 1) => ({
  rootVersion,
  version,
  bytes: Buffer.from(`timestamp ${version} under ${rootVersion}`),
});

function page(over: Partial<PageContent> = {}): PageContent {
  return {
    project: 'demo',
    bytes: Buffer.from('{"name":"demo"}\n\0\r\n'),
    contentType: 'application/vnd.pypi.simple.v1+json',
    etag: '"a"',
    serial: 7,
    seenSerial: 8,
    fetchedAt: 1000,
    confirmedAt: 2000,
    twice: true,
    fetch: 'f1',
    ...over,
  };
}

async function listed(names: AsyncIterable<string>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of names) found.push(name);
  return found.sort();
}

async function itemsBelow(storage: StateStorage, below: ItemPath): Promise<readonly ItemPath[]> {
  const found: ItemPath[] = [];
  for await (const path of storage.items(below)) found.push(path);
  return found;
}

const pins: readonly IndexStateCase[] = [
  {
    name: 'pins come back after a restart, with everything they hold',
    async run({ state, restart }) {
      const first = new Map([
        ['a-1.0.whl', pin(both('a', 'b'), 1234, sha('c'))],
        ['__proto__', pin(sha('d'))],
        ['9', pin(sha('e'))],
      ]);
      await createPins(state()).add('demo', first);
      const again = createPins(state(await restart()));
      expect([...(await again.of('demo'))]).toEqual([...first]);
      expect((await again.of('other')).size).toBe(0);
    },
  },
  {
    name: 'pins come back although memory has no room for them',
    async run({ state }) {
      const pins = createPins(state());
      const many = new Map(Array.from({ length: PINS_IN_MEMORY + 1 }, (_, i) => [`f${i}`, pin(sha('a'))]));
      await pins.add('large', many);
      await pins.add('small', new Map([['f', pin(sha('b'))]]));
      expect(await pins.of('large')).toEqual(many);
      expect((await pins.of('small')).get('f')).toEqual(pin(sha('b')));
    },
  },
  {
    name: 'pins never change; another digest under the same name leaves them whole',
    async run({ state, another }) {
      const pins = createPins(state());
      await pins.add('demo', new Map([['f', pin(sha('a'))]]));
      await pins.add('demo', new Map([['f', pin(both('b', 'c'), 2000, sha('d'))]]));
      for (const each of [pins, createPins(state(await another()))])
        expect((await each.of('demo')).get('f')).toEqual(pin(sha('a')));
    },
  },
  {
    name: 'pins for which there is no more room are refused, and those there were stay',
    async run({ state, another }) {
      const pins = createPins(state());
      const first = new Map([['f', pin(sha('a'))]]);
      await pins.add('demo', first);
      const flood = new Map([['f'.repeat(STATE_VALUE_BYTES), pin(sha('b'))]]);
      await expect(pins.add('demo', flood)).rejects.toMatchObject({
        reason: 'limit',
        transient: false,
        message: expect.stringContaining('the digests first seen for demo'),
      });
      for (const each of [pins, createPins(state(await another()))]) expect(await each.of('demo')).toEqual(first);
    },
  },
  {
    name: 'pins take on algorithms and core metadata of the same file',
    async run({ state }) {
      const pins = createPins(state());
      await pins.add('demo', new Map([['f', pin(sha('a'))]]));
      await pins.add('demo', new Map([['f', pin(both('a', 'b'), 2000, sha('c'))]]));
      expect((await pins.of('demo')).get('f')).toEqual(pin(both('a', 'b'), 1000, sha('c')));
      await pins.add('demo', new Map([['f', pin(sha('a'), 3000, sha('d'))]]));
      expect((await pins.of('demo')).get('f')?.coreMetadata).toEqual(sha('c'));
      // No algorithm in common: nothing says that it is the same file.
      await pins.add('demo', new Map([['g', pin(sha('a'))]]));
      await pins.add('demo', new Map([['g', pin(new Map([['sha512', hex('b', 128)]]))]]));
      expect((await pins.of('demo')).get('g')).toEqual(pin(sha('a')));
    },
  },
  {
    name: 'pins keep what they were first seen with: the fetch, the upload time, that nobody confirmed them',
    async run({ state, another }) {
      const pins = createPins(state());
      const first: Pin = { ...pin(sha('a')), provisional: true, fetch: 'f1', uploadTime: '2026-01-01T00:00:00Z' };
      await pins.add('demo', new Map([['f', first]]));
      // Taking on an algorithm confirms nothing.
      await pins.add('demo', new Map([['f', { ...pin(both('a', 'b')), fetch: 'f2' }]]));
      for (const each of [pins, createPins(state(await another()))])
        expect((await each.of('demo')).get('f')).toEqual({ ...first, digests: both('a', 'b') });
    },
  },
  {
    name: 'pins say since when a signed page lacks their file, and whoever writes it is told what is news of it',
    async run({ state, another }) {
      const [pins, sibling] = [createPins(state()), createPins(state(await another()))];
      const first = new Map(['f', 'g'].map((file) => [file, pin(sha('a'))]));
      await pins.add('demo', first);
      const lacksF = (file: string) => file !== 'f';
      expect(await pins.offered('demo', lacksF, 7)).toEqual({ removed: ['f'], returned: [] });
      expect(await sibling.offered('demo', lacksF, 8)).toEqual({ removed: [], returned: [] });
      for (const each of [pins, sibling])
        expect([...(await each.of('demo'))].map(([file, { removed }]) => [file, removed])).toEqual([
          ['f', 7],
          ['g', undefined],
        ]);
      await sibling.add('demo', new Map([['f', pin(both('a', 'b'))]]));
      expect((await pins.of('demo')).get('f')?.removed).toBe(7);
      expect(await sibling.offered('demo', () => true, 9)).toEqual({ removed: [], returned: ['f'] });
      expect((await pins.of('demo')).get('f')).toEqual(pin(both('a', 'b')));
      expect(await pins.offered('other', () => false, 9)).toEqual({ removed: [], returned: [] });
    },
  },
  {
    name: 'pins are confirmed by what makes them proved, and many files of a project at once',
    async run({ state, another }) {
      const pins = createPins(state());
      const first: Pin = { ...pin(sha('a'), 5), provisional: true, fetch: 'f1' };
      await pins.add('demo', new Map(['f', 'g', 'h'].map((file) => [file, first])));
      const marked = await pins.mark('demo', [
        { file: 'f', digests: sha('a'), confirms: ({ proved }) => proved === true },
        { file: 'g', digests: undefined, confirms: ({ proved }) => proved !== true },
        proof('h', sha('a')),
        proof('h', sha('b')),
      ]);
      const { provisional: _, ...confirmed } = first;
      const expected = new Map<string, Pin>([
        ['f', { ...confirmed, proved: true }],
        ['g', confirmed],
        ['h', { ...first, proved: true }],
      ]);
      for (const found of [marked, await createPins(state(await another())).of('demo')])
        expect(found).toEqual(expected);
    },
  },
  {
    name: 'pins are proved and confirmed one by one, and nothing else of them changes',
    async run({ state, another }) {
      const pins = createPins(state());
      const first: Pin = { ...pin(sha('a'), 5, sha('c')), provisional: true, fetch: 'f1' };
      await pins.add(
        'demo',
        new Map([
          ['f', first],
          ['g', first],
        ]),
      );
      await pins.mark('demo', [proof('f', sha('a'))]);
      await pins.mark('demo', [proof('f', sha('a'))]);
      await pins.mark('demo', [proof('absent', sha('a'))]);
      // Bytes of another digest: a download that ends when its pin has given way.
      await pins.mark('demo', [proof('g', sha('b'))]);
      const sibling = createPins(state(await another()));
      expect(await sibling.of('demo')).toEqual(
        new Map([
          ['f', { ...first, proved: true }],
          ['g', first],
        ]),
      );
      const confirms = (of: Pin) => of.proved !== true;
      await sibling.mark('demo', [{ file: 'f', digests: undefined, confirms }]);
      expect((await sibling.of('demo')).get('f')?.provisional).toBe(true);
      await sibling.confirm('demo', ['f', 'absent']);
      const { provisional: _, ...confirmed } = first;
      for (const each of [pins, createPins(state(await another()))])
        expect(await each.of('demo')).toEqual(
          new Map<string, Pin>([
            ['f', { ...confirmed, proved: true }],
            ['g', first],
          ]),
        );
    },
  },
  {
    name: 'pins of one sight give way; confirmed ones only to a word that is not a mere sight',
    async run({ state, another }) {
      const pins = createPins(state());
      const sight = (letter: string): Pin => ({ ...pin(sha(letter)), provisional: true });
      await pins.add('demo', new Map([['f', sight('a')]]));
      await pins.replace('demo', 'f', sight('b'));
      expect((await pins.of('demo')).get('f')).toEqual(sight('b'));
      const sibling = createPins(state(await another()));
      await sibling.confirm('demo', ['f']);
      await pins.replace('demo', 'f', sight('c'));
      expect((await pins.of('demo')).get('f')).toEqual(pin(sha('b')));
      await pins.replace('demo', 'f', pin(sha('c')));
      expect((await sibling.of('demo')).get('f')).toEqual(pin(sha('c')));
    },
  },
  {
    name: 'pins added at once, also by another process, all stay',
    async run({ state, another }) {
      const stores = [createPins(state()), createPins(state(await another())), createPins(state(await another()))];
      await Promise.all(
        Array.from({ length: 30 }, (_, at) => stores[at % 3]?.add('demo', new Map([[`f${at}`, pin(sha('a'), at)]]))),
      );
      for (const each of stores) expect((await each.of('demo')).size).toBe(30);
    },
  },
  {
    name: 'of two digests pinned under one name at once, the first stays for everybody',
    async run({ state, another }) {
      const [one, two] = [createPins(state()), createPins(state(await another()))];
      await Promise.all([
        one.add('demo', new Map([['f', pin(sha('a'))]])),
        two.add('demo', new Map([['f', pin(sha('b'))]])),
      ]);
      const seen = (await one.of('demo')).get('f');
      expect(seen).toBeDefined();
      expect((await two.of('demo')).get('f')).toEqual(seen);
    },
  },
  {
    name: 'pins of any project name are its own, and are listed by it',
    async run({ state, restart }) {
      const pins = createPins(state());
      for (const [at, name] of NAMES.entries()) await pins.add(name, new Map([['f', pin(sha('a'), at)]]));
      const again = state(await restart());
      for (const [at, name] of NAMES.entries()) expect((await createPins(again).of(name)).get('f')?.seen).toBe(at);
      expect(await listed(again.projects('pins'))).toEqual([...NAMES].sort());
      expect(await listed(again.projects('pages'))).toEqual([]);
    },
  },
  {
    name: 'pins that are damaged are refused, never taken for none',
    async run({ state, restart, damage }) {
      await createPins(state()).add('demo', new Map([['f', pin(sha('a'))]]));
      await damage(['main', 'pins', 'demo']);
      for (const each of [createPins(state()), createPins(state(await restart()))]) {
        await expect(each.of('demo')).rejects.toMatchObject({
          ...refused,
          message: expect.stringMatching(/the digests first seen for demo.*accept-state-loss/),
        });
        await expect(each.add('demo', new Map([['g', pin(sha('c'))]]))).rejects.toMatchObject(refused);
        expect((await each.of('other')).size).toBe(0);
      }
    },
  },
  {
    name: 'pins that are not what this program writes are refused, whoever stored them',
    async run({ state, storage }) {
      for (const [at, value] of [
        '{',
        '[]',
        '{"project":"other","pins":[]}',
        '{"project":"p3","pins":[{}]}',
      ].entries()) {
        await storage.create(['main', 'pins', `p${at}`], 1, Buffer.from(value));
        await expect(createPins(state()).of(`p${at}`)).rejects.toMatchObject(refused);
      }
    },
  },
];

const facts: readonly IndexStateCase[] = [
  {
    name: 'what the index was first run with comes back',
    async run({ state, restart }) {
      const first = { evidence: 'tuf', pinnedRootSha256: hex('a'), createdAt: 5, audit: [] } as const;
      expect(await state().facts.read()).toBeUndefined();
      expect((await state().facts.change(() => first))?.value).toEqual(first);
      expect((await state(await restart()).facts.read())?.value).toEqual(first);
    },
  },
  {
    name: 'the audit trail only grows, whoever writes',
    async run({ state, another }) {
      const parties = [state(), state(await another())];
      await parties[0]?.facts.change(() => ({ evidence: 'index', createdAt: 1, audit: [] }));
      await Promise.all(
        Array.from({ length: 20 }, (_, at) =>
          parties[at % 2]?.facts.change((was) => was && { ...was.value, audit: [...was.value.audit, entry(at)] }),
        ),
      );
      const [one, two] = parties;
      expect((await one?.facts.read())?.value.audit.map(({ at }) => at).sort((a, b) => a - b)).toEqual(
        Array.from({ length: 20 }, (_, at) => at),
      );
      // Nobody writes an entry away, or over.
      await two?.facts.change((was) => was && { ...was.value, audit: [] });
      await two?.facts.change((was) => was && { ...was.value, audit: [entry(100)] });
      expect((await one?.facts.read())?.value.audit).toHaveLength(20);
    },
  },
  {
    name: 'nothing is stored where there is nothing to do',
    async run({ state, storage }) {
      expect(await state().facts.change(() => undefined)).toBeUndefined();
      expect(await storage.version(['main', 'facts'], 0)).toBe(0);
    },
  },
  {
    name: 'an index name cannot lead elsewhere',
    async run({ storage }) {
      for (const index of ['..', '../x', 'a/b', '', 'A', '.hidden', 'x'.repeat(65)])
        expect(() => createIndexState({ storage, index })).toThrow(expect.objectContaining(refused));
    },
  },
];

function entry(at: number) {
  return { at, action: 'accept-change', reason: `reason ${at}` };
}

const pages: readonly IndexStateCase[] = [
  {
    name: 'a page comes back to the byte, with all that was known of it',
    async run({ state, restart }) {
      const bare = page({ project: 'bare', etag: undefined, serial: undefined, seenSerial: undefined, twice: false });
      const large = page({ project: 'large', bytes: Buffer.alloc(3_000_000, 'page ') });
      const said = page({
        project: 'said',
        url: 'https://elsewhere/',
        maxAge: 60,
        accepted: [{ kind: 'file', file: 'f', after: undefined }],
      });
      const empty = page({ project: 'empty', bytes: Buffer.alloc(0) });
      const all = [page(), bare, large, said, empty];
      for (const each of all)
        await state()
          .page(each.project)
          .change(() => ({ page: each }));
      const again = state(await restart());
      for (const each of all) {
        const found = (await again.page(each.project).read())?.value.page;
        expect({ ...found, bytes: undefined }).toEqual({ ...each, bytes: undefined });
        expect(Buffer.compare(found?.bytes ?? Buffer.from('none'), each.bytes)).toBe(0);
      }
      expect(await again.page('other').read()).toBeUndefined();
    },
  },
  {
    name: 'a project that is gone leaves its floor, and is listed all the same',
    async run({ state, restart }) {
      await state()
        .page('demo')
        .change(() => ({ page: page() }));
      await state()
        .page('demo')
        .change((was) => ({ gone: { serial: was?.value.page?.serial } }));
      const again = state(await restart());
      expect((await again.page('demo').read())?.value).toEqual({ gone: { serial: 7 } });
      expect(await listed(again.projects('pages'))).toEqual(['demo']);
    },
  },
  {
    name: 'what a command changes is not lost by what a server saves at the same time',
    async run({ state, another }) {
      const [server, command] = [state(), state(await another())];
      const demo = server.page('demo');
      const before = await demo.change(() => ({ page: page() }));
      await command.page('demo').change((was) => was?.value.page && { page: { ...was.value.page, serial: 3 } });
      // The server's refresh began before the command and ends after it.
      const saved = await demo.change((was) =>
        was?.version === before?.version ? { page: page({ serial: 9 }) } : undefined,
      );
      expect(saved).toBeUndefined();
      expect((await demo.read())?.value.page?.serial).toBe(3);
    },
  },
  {
    name: 'a page of any project name is its own',
    async run({ state, restart }) {
      for (const [at, project] of NAMES.entries())
        await state()
          .page(project)
          .change(() => ({ page: page({ project, seenSerial: at }) }));
      const again = state(await restart());
      for (const [at, project] of NAMES.entries())
        expect((await again.page(project).read())?.value.page?.seenSerial).toBe(at);
    },
  },
  {
    name: 'the list of all projects comes back, and is confirmed only where it is still the one that is stored',
    async run({ state, restart }) {
      const [bytes, others] = [Buffer.from('one list'), Buffer.from('another list')];
      const head = listHead(bytes);
      await createListStore(state()).save(head, bytes);
      const lists = createListStore(state(await restart()));
      expect(await lists.load()).toEqual(head);
      expect(text(await lists.bytes(head))).toBe('one list');
      const later = { ...head, confirmedAt: head.confirmedAt + 2 * HOUR };
      await lists.confirm({ ...head, confirmedAt: head.confirmedAt + 1 });
      expect(await lists.load()).toEqual(head);
      await lists.confirm(later);
      expect(await lists.load()).toEqual(later);
      await createListStore(state()).save(listHead(others), others);
      expect(await lists.bytes(head)).toBeUndefined();
      await lists.confirm({ ...head, confirmedAt: head.confirmedAt + 9 * HOUR });
      expect(await createListStore(state(await restart())).load()).toEqual(listHead(others));
    },
  },
  {
    name: 'bytes that are not those of their list are none',
    async run({ state }) {
      const bytes = Buffer.from('one list');
      const { list } = state();
      const lists = createListStore({ list });
      for (const packed of [deflateRawSync('another!'), deflateRawSync('one list, longer'), Buffer.from('no code')]) {
        await list.change(() => ({ head: listHead(bytes), packed }));
        expect(await lists.bytes(listHead(bytes))).toBeUndefined();
      }
    },
  },
  {
    name: 'a list that is damaged counts as absent, and is written over: it can be had again',
    async run({ state, restart, damage }) {
      const bytes = Buffer.from('one list');
      await createListStore(state()).save(listHead(bytes), bytes);
      await damage(['main', 'list']);
      const lists = createListStore(state(await restart()));
      expect(await lists.load()).toBeUndefined();
      await lists.save(listHead(bytes), bytes);
      expect(text(await lists.bytes(listHead(bytes)))).toBe('one list');
    },
  },
  {
    name: 'a page that is damaged is refused, never taken for one that never was',
    async run({ state, restart, damage }) {
      await state()
        .page('demo')
        .change(() => ({ page: page() }));
      await damage(['main', 'pages', 'demo']);
      const again = state(await restart());
      for (const each of [state(), again]) {
        await expect(each.page('demo').read()).rejects.toMatchObject(refused);
        await expect(each.page('demo').change(() => ({ page: page() }))).rejects.toMatchObject(refused);
      }
    },
  },
  {
    name: 'a page that is not what this program writes is refused: another project, a body cut short, a larger one',
    async run({ state, storage }) {
      await state()
        .page('demo')
        .change(() => ({ page: page() }));
      const whole = Buffer.from((await storage.newest(['main', 'pages', 'demo'], 0))?.value ?? []);
      const line = whole.subarray(0, whole.indexOf('\n'));
      const smaller = line.toString().replace(/"size":\d+/, '"size":3');
      const forms = [
        whole.subarray(0, -1),
        line,
        Buffer.from(smaller + whole.subarray(line.length).toString('latin1'), 'latin1'),
        Buffer.from(
          line.toString().replace(/"sha256":"./, '"sha256":"x') + whole.subarray(line.length).toString('latin1'),
          'latin1',
        ),
        Buffer.from(
          line.toString().replace(/"size":\d+/, '"size":99999999') + whole.subarray(line.length).toString('latin1'),
          'latin1',
        ),
        Buffer.from('{}\n'),
        Buffer.from('no line'),
      ];
      for (const [at, value] of forms.entries()) await storage.create(['main', 'pages', 'demo'], at + 2, value);
      await expect(state().page('demo').read()).rejects.toMatchObject(refused);
      await storage.create(['main', 'pages', 'other'], 1, whole);
      await expect(state().page('other').read()).rejects.toMatchObject(refused);
      for (const [at, value] of forms.entries()) {
        await storage.create(
          ['main', 'pages', `p${at}`],
          1,
          Buffer.from(value.toString('latin1').replace('"demo"', `"p${at}"`), 'latin1'),
        );
        await expect(state().page(`p${at}`).read()).rejects.toMatchObject(refused);
      }
    },
  },
];

const limits: readonly IndexStateCase[] = [
  {
    name: 'a page larger than any that is fetched is not kept',
    async run({ state, storage }) {
      const bytes = Buffer.alloc(PAGE_BYTES + 1);
      const saving = state()
        .page('demo')
        .change(() => ({ page: page({ bytes }) }));
      await expect(saving).rejects.toMatchObject({ reason: 'limit', transient: false });
      expect(await storage.version(['main', 'pages', 'demo'], 0)).toBe(0);
    },
  },
  {
    name: 'a page that was planted, and grows beyond that, is refused before it has grown',
    async run({ state, storage }) {
      const bytes = Buffer.alloc(PAGE_BYTES + 1);
      const { bytes: _, ...said } = page();
      const header = JSON.stringify({ ...said, sha256: sha256Hex(bytes), size: bytes.byteLength });
      const value = Buffer.concat([Buffer.from(`${header}\n`), deflateRawSync(bytes)]);
      await storage.create(['main', 'pages', 'demo'], 1, value);
      await expect(state().page('demo').read()).rejects.toMatchObject(refused);
    },
  },
];

const trust: readonly IndexStateCase[] = [
  {
    name: 'the trust of an index that was never refreshed is none',
    async run({ state }) {
      const { trust } = state();
      expect(await trust.load()).toBeUndefined();
      expect(await trust.root(1)).toBeUndefined();
      expect(await trust.timestamp()).toBeUndefined();
      expect(await trust.recent('snapshot', 1)).toBeUndefined();
      expect(await trust.delegated('bin-0', 1)).toBeUndefined();
    },
  },
  {
    name: 'published trust comes back byte for byte',
    async run({ state, restart }) {
      const { trust } = state();
      for (const version of [2, 1, 10]) await trust.keepRoot(version, Buffer.from(`root ${version}\n`));
      const current = await publish(trust, published(7), undefined);
      const stored = await state(await restart()).trust.load();
      expect(stored?.current).toBe(current);
      expect(stored?.rootVersion).toBe(1);
      expect(stored?.acceptedAt).toBe(FROM + 7);
      expect(text(stored?.timestamp)).toBe('{ "timestamp" : 7 }\r\n');
      expect(text(stored?.snapshot)).toBe('snapshot 7');
      expect(text(stored?.targets)).toBe('targets 7');
      expect([...(stored?.roots ?? [])].map(([version, bytes]) => [version, text(bytes)])).toEqual(
        [1, 2, 10].map((version) => [version, `root ${version}\n`]),
      );
    },
  },
  {
    name: 'trust is replaced only by who knows what is current',
    async run({ state, another }) {
      const { trust } = state();
      const sibling = state(await another()).trust;
      const first = await publish(trust, published(1), undefined);
      expect(await sibling.publish(published(2), undefined)).toEqual({ result: 'superseded' });
      expect(await sibling.publish(published(2), '1-unknown')).toEqual({ result: 'superseded' });
      const second = await publish(sibling, published(2), first);
      expect(await trust.publish(published(3), first)).toEqual({ result: 'superseded' });
      expect((await trust.load())?.current).toBe(second);
      await publish(trust, published(3), second);
      expect(text((await sibling.load())?.targets)).toBe('targets 3');
    },
  },
  {
    name: 'of three that publish at once one wins, and all of them read what it published',
    async run({ state, another }) {
      const stores = [state().trust, state(await another()).trust, state(await another()).trust];
      const [trust] = stores;
      let current: string | undefined;
      for (let version = 1; version < 10; version++) {
        const results = await Promise.all(
          stores.map((store, at) => store.publish(published(version * 10 + at), current)),
        );
        const won = results.filter(({ result }) => result === 'published');
        expect(won).toHaveLength(1);
        const stored = await trust?.load();
        const number = text(stored?.snapshot)?.split(' ')[1];
        expect(text(stored?.targets)).toBe(`targets ${number}`);
        expect(text(stored?.timestamp)).toBe(`{ "timestamp" : ${number} }\r\n`);
        expect(won).toEqual([{ result: 'published', current: stored?.current }]);
        current = stored?.current;
      }
    },
  },
  {
    name: 'documents are durable before the pointer names them',
    async run({ storage }) {
      const created: string[] = [];
      const recording: StateStorage = {
        ...storage,
        async create(item, version, value) {
          const won = await storage.create(item, version, value);
          created.push(item.at(-1) ?? '');
          return won;
        },
      };
      await publish(createIndexState({ storage: recording, index: 'main' }).trust, published(1), undefined);
      expect([created.slice(0, 2).sort(), created.slice(2)]).toEqual([['snapshot', 'targets'], ['current']]);
    },
  },
  {
    name: 'a publication that failed half way leaves the old trust whole, and the next one passes it',
    async run({ state, storage, restart }) {
      for (const failing of ['snapshot', 'targets', 'current']) {
        const before = await state().trust.load();
        let armed = true;
        const broken: StateStorage = {
          ...storage,
          async create(item, version, value) {
            if (armed && item.at(-1) === failing) throw new Error('no room');
            return storage.create(item, version, value);
          },
        };
        const half = createIndexState({ storage: broken, index: 'main' }).trust;
        await expect(half.publish(published(50), before?.current)).rejects.toThrow('no room');
        armed = false;
        expect(await state().trust.load()).toEqual(before);
        await publish(half, published(60), before?.current);
        expect(text((await state().trust.load())?.snapshot)).toBe('snapshot 60');
      }
      expect(text((await state(await restart()).trust.load())?.targets)).toBe('targets 60');
    },
  },
  {
    name: 'a timestamp alone may change, and the documents are not stored again',
    async run({ state, storage }) {
      const { trust } = state();
      const first = await publish(trust, published(1), undefined);
      await publish(trust, { ...published(1), timestamp: Buffer.from('newer') }, first);
      const stored = await trust.load();
      expect(text(stored?.timestamp)).toBe('newer');
      expect(text(stored?.snapshot)).toBe('snapshot 1');
      expect(await storage.version(['main', 'tuf', 'snapshot'], 0)).toBe(1);
    },
  },
  {
    name: 'snapshots and targets of the last hour are within reach, and older ones go',
    async run({ state, storage }) {
      const { trust } = state();
      let current: string | undefined;
      for (const version of [1, 2, 3]) current = await publish(trust, published(version), current);
      for (const version of [1, 2, 3]) {
        expect(text(await trust.recent('snapshot', version))).toBe(`snapshot ${version}`);
        expect(text(await trust.recent('targets', version))).toBe(`targets ${version}`);
      }
      expect(await trust.recent('snapshot', 4)).toBeUndefined();
      await publish(trust, published(4, { publishedAt: FROM + 4 + HOUR }), current);
      for (const version of [1, 2]) expect(await trust.recent('snapshot', version)).toBeUndefined();
      expect(text(await trust.recent('snapshot', 3))).toBe('snapshot 3');
      await expect.poll(() => storage.read(['main', 'tuf', 'snapshot'], 2)).toBeUndefined();
      expect(text(await storage.read(['main', 'tuf', 'snapshot'], 3))).toBe('snapshot 3');
    },
  },
  {
    name: 'trust that is damaged is refused, never taken for less',
    async run({ state, restart, damage }) {
      const first = await publish(state().trust, published(1), undefined);
      await publish(state().trust, published(2), first);
      for (const name of ['snapshot', 'targets', 'current']) {
        await damage(['main', 'tuf', name]);
        await expect(state().trust.load()).rejects.toMatchObject(refused);
        await expect(state(await restart()).trust.load()).rejects.toMatchObject(refused);
      }
      await expect(state(await restart()).trust.publish(published(3), first)).rejects.toMatchObject(refused);
    },
  },
  {
    name: 'a document that another one of its versions stands in for is refused',
    async run({ state, storage }) {
      await publish(state().trust, published(1), undefined);
      const pointer = Buffer.from((await storage.newest(['main', 'tuf', 'current'], 0))?.value ?? []).toString();
      await storage.create(['main', 'tuf', 'snapshot'], 2, Buffer.from('snapshot 0'));
      const moved = JSON.parse(pointer);
      moved.snapshot.number = 2;
      await storage.create(['main', 'tuf', 'current'], 2, Buffer.from(JSON.stringify(moved)));
      await expect(state().trust.load()).rejects.toMatchObject(refused);
    },
  },
  {
    name: 'a root is kept as it came, and a damaged one is as good as absent: it proves itself',
    async run({ state, damage }) {
      const { trust } = state();
      await trust.keepRoot(1, Buffer.from('root 1'));
      await trust.keepRoot(2, Buffer.from('cut sh'));
      await trust.keepRoot(2, Buffer.from('root 2'));
      expect(text(await trust.root(2))).toBe('root 2');
      await damage(['main', 'tuf', 'root', '2']);
      expect(await trust.root(2)).toBeUndefined();
      await publish(trust, published(1), undefined);
      expect([...((await trust.load())?.roots.keys() ?? [])]).toEqual([1]);
      await trust.keepRoot(2, Buffer.from('root 2'));
      expect(text(await trust.root(2))).toBe('root 2');
    },
  },
];

const floors: readonly IndexStateCase[] = [
  {
    name: 'the newest timestamp believed comes back, published or not',
    async run({ state, restart }) {
      await state().trust.keepTimestamp(timestamp(3));
      expect(await state(await restart()).trust.timestamp()).toEqual(timestamp(3));
    },
  },
  {
    name: 'the timestamp floor is never lowered to an earlier version',
    async run({ state, another }) {
      await state().trust.keepTimestamp(timestamp(3));
      const sibling = state(await another()).trust;
      for (const version of [3, 2, 1]) await sibling.keepTimestamp(timestamp(version));
      expect(await state().trust.timestamp()).toEqual(timestamp(3));
      await sibling.keepTimestamp(timestamp(4));
      expect(await state().trust.timestamp()).toEqual(timestamp(4));
    },
  },
  {
    name: 'the timestamp floor is never given up for one under an earlier root',
    async run({ state }) {
      const { trust } = state();
      await trust.keepTimestamp(timestamp(3, 2));
      await trust.keepTimestamp(timestamp(9, 1));
      expect(await trust.timestamp()).toEqual(timestamp(3, 2));
    },
  },
  {
    name: 'under a later root, which may have exchanged its key, a timestamp of any version takes over',
    async run({ state }) {
      const { trust } = state();
      await trust.keepTimestamp(timestamp(9, 1));
      await trust.keepTimestamp(timestamp(3, 2));
      expect(await trust.timestamp()).toEqual(timestamp(3, 2));
      // The very timestamp that is kept says nothing new under a later root.
      await trust.keepTimestamp({ ...timestamp(3, 2), rootVersion: 5 });
      expect(await trust.timestamp()).toEqual(timestamp(3, 2));
    },
  },
  {
    name: 'a damaged timestamp floor is refused, and not begun again from below',
    async run({ state, restart, damage }) {
      await state().trust.keepTimestamp(timestamp(3));
      await damage(['main', 'tuf', 'timestamp']);
      for (const { trust } of [state(), state(await restart())]) {
        await expect(trust.timestamp()).rejects.toMatchObject(refused);
        await expect(trust.keepTimestamp(timestamp(1))).rejects.toMatchObject(refused);
      }
    },
  },
  {
    name: 'timestamps kept at once leave the newest',
    async run({ state, another }) {
      const stores = [state().trust, state(await another()).trust];
      await Promise.all(Array.from({ length: 20 }, (_, at) => stores[at % 2]?.keepTimestamp(timestamp(at + 1))));
      for (const trust of stores) expect(await trust.timestamp()).toEqual(timestamp(20));
    },
  },
];

const delegated: readonly IndexStateCase[] = [
  {
    name: 'delegated roles come back by name and version, whatever the name',
    async run({ state, restart }) {
      const names = ['../x', 'a/b', '', '.', '\0', 'r'.repeat(300), 'ROOT', 'root', 'é', 'e\u0301', '\ud800'];
      for (const name of names) await state().trust.keepDelegated(name, 3, Buffer.from(`role ${name}`));
      const { trust } = state(await restart());
      for (const name of names)
        expect(text(await trust.delegated(name, 3))).toBe(Buffer.from(`role ${name}`).toString());
      expect(await trust.delegated('a/b', 4)).toBeUndefined();
    },
  },
  {
    name: 'versions of a delegated role may begin anew, and each is found by its own',
    async run({ state, storage }) {
      const { trust } = state();
      for (const version of [7, 8, 2]) await trust.keepDelegated('bin', version, Buffer.from(`bin ${version}`));
      for (const version of [7, 8, 2]) expect(text(await trust.delegated('bin', version))).toBe(`bin ${version}`);
      const [path] = await itemsBelow(storage, ['main', 'tuf', 'delegated']);
      const before = path && (await storage.version(path, 0));
      // What is there already is not stored again.
      await trust.keepDelegated('bin', 8, Buffer.from('bin 8'));
      expect(path && (await storage.version(path, 0))).toBe(before);
      // Other bytes under a version take the place of the first.
      await trust.keepDelegated('bin', 7, Buffer.from('bin seven'));
      expect(text(await trust.delegated('bin', 7))).toBe('bin seven');
    },
  },
  {
    name: 'a delegated role goes an hour after another version followed it',
    async run({ storage }) {
      let now = FROM;
      const { trust } = createIndexState({ storage, index: 'main', now: () => now });
      await trust.keepDelegated('bin', 1, Buffer.from('1'));
      now += 10 * HOUR;
      await trust.keepDelegated('bin', 2, Buffer.from('2'));
      expect(text(await trust.delegated('bin', 1))).toBe('1');
      now += HOUR;
      await trust.keepDelegated('bin', 3, Buffer.from('3'));
      expect(await trust.delegated('bin', 1)).toBeUndefined();
      expect(text(await trust.delegated('bin', 2))).toBe('2');
      const [path] = await itemsBelow(storage, ['main', 'tuf', 'delegated']);
      await expect.poll(() => path && storage.read(path, 1)).toBeUndefined();
    },
  },
  {
    name: 'a delegated role that cannot be read is as good as absent, and made whole by the next that is fetched',
    async run({ state, storage, damage }) {
      await state().trust.keepDelegated('bin', 1, Buffer.from('1'));
      const [path] = await itemsBelow(storage, ['main', 'tuf', 'delegated']);
      if (path === undefined) throw new Error('nothing was kept');
      await damage(path);
      expect(await state().trust.delegated('bin', 1)).toBeUndefined();
      await state().trust.keepDelegated('bin', 1, Buffer.from('1'));
      expect(text(await state().trust.delegated('bin', 1))).toBe('1');
    },
  },
];

export const INDEX_STATE_CASES: readonly IndexStateCase[] = [
  ...pins,
  ...facts,
  ...pages,
  ...limits,
  ...trust,
  ...floors,
  ...delegated,
];

/** The same as `state` makes them: it may make them wrong. */
export function indexStateRig(rig: StateStorageRig, wrap: (state: IndexState) => IndexState = (state) => state): Rig {
  return { ...rig, state: (storage = rig.storage) => wrap(createIndexState({ storage, index: 'main' })) };
}

/** What an index remembers, over the storage that `make` makes. */
export function indexStateContract(name: string, make: () => Promise<StateStorageRig>): void {
  describe(`index state: ${name}`, () => {
    it.each(INDEX_STATE_CASES)('$name', async ({ run }) => {
      await run(indexStateRig(await make()));
    });
  });
}
