import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeAdvisoryAnswer } from '../../../src/advisories/answer.ts';
import { internalCaller } from '../../../src/async/caller.ts';
import { makeAuthenticator } from '../../../src/bytes/authentic.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { makeExpected } from '../../../src/bytes/expected.ts';
import { makeSighting, rememberSight, type Sighting } from '../../../src/bytes/first-sight.ts';
import { prove } from '../../../src/bytes/proven.ts';
import { makeUnverifiedDocument } from '../../../src/bytes/unverified.ts';
import { beginExchange, type Exchange, outgoingOf } from '../../../src/http/exchange.ts';
import { replyAdvisories } from '../../../src/http/reply/advisory-door.ts';
import { BUSY } from '../../../src/http/reply/answers.ts';
import {
  replyDocument,
  replyOwnWords,
  replyPage,
  replyPlainPage,
  replyProblem,
  replyRedirect,
  replyShown,
  replyUnverified,
} from '../../../src/http/reply/doors.ts';
import {
  replyBlob,
  replyFileElsewhere,
  replyFileHead,
  replyFileUnchanged,
} from '../../../src/http/reply/file-doors.ts';
import { createPageHeaders, type ResponsePolicy } from '../../../src/http/reply/headers.ts';
import { ownWords } from '../../../src/http/reply/own-words.ts';
import { makeBelieved, type Source } from '../../../src/mirror/believed.ts';
import { makeFileAnswer } from '../../../src/mirror/files/file-answer.ts';
import { FirstSights, type FirstSightsOptions } from '../../../src/mirror/files/first-sights.ts';
import { GuardedCache } from '../../../src/mirror/guarded-cache.ts';
import { makeBelievedPage } from '../../../src/mirror/projects/believed-page.ts';
import { PageDrawer, type PageDrawerOptions } from '../../../src/mirror/projects/draw.ts';
import { DrawnBodies } from '../../../src/mirror/projects/drawn-bodies.ts';
import { PageTallies } from '../../../src/mirror/projects/left-out.ts';
import { ListDrawer } from '../../../src/mirror/projects/list-drawer.ts';
import { ProjectPins } from '../../../src/mirror/projects/pins.ts';
import type { Reports } from '../../../src/mirror/projects/reports.ts';
import { StrangeHosts } from '../../../src/mirror/projects/strange-hosts.ts';
import { makeBlob } from '../../../src/ports/blob.ts';
import type { Pins } from '../../../src/ports/index-state.ts';
import { type PageWork, workHere } from '../../../src/ports/page-work.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import type { Listing } from '../../../src/pypi/listing.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { makePage, PACKED_PAGE, restorePage } from '../../../src/render/page.ts';
import { renderList } from '../../../src/render/render.ts';
import { acceptDelegated, acceptTargets, acceptTimestamp } from '../../../src/tuf/accept.ts';
import { decodeTargets } from '../../../src/tuf/decode.ts';
import { findTarget } from '../../../src/tuf/delegation.ts';
import type { Delegation, Targets } from '../../../src/tuf/model.ts';
import { runToEnd } from '../../../src/tuf/sliced.ts';
import { AtRoot, asOf, type Generation, withSnapshot, withTargets, withTimestamp } from '../../../src/tuf/stages.ts';
import { openDelegated } from '../../../src/tuf/stored.ts';
import { followRoot } from '../../../src/tuf/trusted-root.ts';
import { open, reopen, type Verified } from '../../../src/tuf/verified.ts';
import { html } from '../../../src/web/html.ts';
import { makeShown } from '../../../src/web/shown.ts';
import { client } from '../../support/callers.ts';
import { createClient } from '../../support/client.ts';
import { START } from '../../support/clock.ts';
import { authority } from '../../support/keys.ts';
import { createMemoryCache } from '../../support/memory-cache.ts';
import { policyOver } from '../../support/policies.ts';
import { createSimulator } from '../../support/simulator.ts';
import { trustedRoot, verifiedRoot } from '../../support/verified.ts';
import { expectedOf, openStore, upstream, wanted, whole } from '../../support/volume-harness.ts';

// What compiles as a proof and was not made by its maker is refused at run time, by every door.

const evil = Buffer.from('evil');
const blob = makeBlob('ab'.repeat(32), 4, { send: (_, write) => write(evil), bytes: async () => evil });
const file = makeFileAnswer({
  filename: 'a',
  project: undefined,
  size: 4,
  sha256: undefined,
  stored: true,
  open: async () => blob,
});
const page = await makePage(await renderList(['a'])).with({ format: 'json', coding: 'identity' });
const expected = expectedOf(evil);
const policy: ResponsePolicy = {
  name: 'main',
  evidence: 'tuf',
  cors: true,
  storedBy: 'public',
  pageMaxAge: 600,
  longestRetryAfter: 5,
};
const choice = { format: 'json', coding: 'identity' } as const;

const SIGHTS: FirstSightsOptions = {
  index: 'main',
  twiceUpTo: 0,
  fileWork: { inspect: async () => undefined },
  upstream: { download: () => () => Promise.reject(new Error('nothing is to be downloaded')) },
  blobs: { sight: () => Promise.reject(new Error('nothing is to be looked at')) },
  pins: { of: async () => new Map(), see: () => Promise.reject(new Error('nothing is to be pinned')) },
  clock: { now: () => START, judged: () => START },
  emit: () => undefined,
  onPinned: () => undefined,
};
const unasked = () => expect.fail('nothing is to be asked');
const REPORTS: Reports = {
  refused: unasked,
  refreshed: unasked,
  noted: unasked,
  changed: unasked,
  changes: unasked,
  gone: unasked,
  heldBack: unasked,
  stale: unasked,
  silence: unasked,
  stoodIn: unasked,
  lookedAhead: unasked,
  served: unasked,
};
const NO_PINS: Pins = {
  of: unasked,
  read: unasked,
  add: unasked,
  replaceAll: unasked,
  replace: unasked,
  mark: unasked,
  offered: unasked,
  addCoreMetadata: unasked,
  confirm: unasked,
};
/** Whatever asks one of them believes what it was given. */
const DRAWING: PageDrawerOptions<undefined> = {
  evidence: { kind: 'index', digests: unasked },
  work: { ...workHere, drawPage: unasked },
  pins: new ProjectPins({ pins: NO_PINS, clock: SIGHTS.clock, reports: REPORTS, reuploads: false }),
  policy: policyOver(),
  clock: SIGHTS.clock,
  tallies: new PageTallies({ index: 'main', tallies: { load: unasked, put: unasked }, emit: unasked }),
  undigested: 'withhold',
  remembers: true,
  strangeHosts: new StrangeHosts({ upstream: { mayFetch: unasked }, reports: REPORTS }),
};
const OWN_FILE = { entry: { filename: 'a.whl', url: '', digests: new Map() }, upstream: '', path: 'a' };
const WANTED_FILE = {
  name: 'a.whl',
  subject: 'file',
  expected: makeExpected({ digests: new Map() }),
  limit: 9,
  urls: [],
} as const;

/** Ways to something that compiles as a T and is none. */
const WAYS: readonly (readonly [string, <T extends object>(real: T) => T])[] = [
  ['JSON.parse', () => JSON.parse('{}')],
  ['Object.create of the prototype', (real) => Object.create(Object.getPrototypeOf(real))],
  ['a prototype set later', (real) => Object.setPrototypeOf({}, Object.getPrototypeOf(real))],
  ['as never', () => ({}) as never],
  ['a spread and a cast', (real) => ({ ...real }) as typeof real],
  ['a clone', (real) => structuredClone(real)],
  ['a proxy', (real) => new Proxy(real, {})],
];

interface Door {
  readonly name: string;
  readonly attempt: (forge: <T extends object>(real: T) => T, exchange: Exchange) => unknown;
}

const HTTP: readonly Door[] = [
  {
    name: 'a page',
    attempt: (forge, exchange) => replyPage(exchange, forge(page), choice, createPageHeaders(policy)),
  },
  {
    name: 'a page that is made as it is taken',
    attempt: (forge, exchange) =>
      replyPlainPage(exchange, forge(page), 'json', createPageHeaders(policy), { index: 'main' }),
  },
  {
    name: 'a signed document',
    attempt: (forge, exchange) => replyDocument(exchange, policy, { document: forge(verifiedRoot()), immutable: true }),
  },
  {
    name: 'a document that nothing vouches for',
    attempt: (forge, exchange) =>
      replyUnverified(
        exchange,
        policy,
        forge(makeUnverifiedDocument({ bytes: evil, contentType: 'text/html', maxAge: 1 })),
      ),
  },
  {
    name: 'a blob',
    attempt: (forge, exchange) => replyBlob(exchange, policy, forge(blob), true, undefined, undefined),
  },
  {
    name: 'what is known of a file',
    attempt: (forge, exchange) => replyFileHead(exchange, policy, forge(file), true),
  },
  {
    name: 'that a file is unchanged',
    attempt: (forge, exchange) => replyFileUnchanged(exchange, policy, forge(file), true),
  },
  {
    name: 'where a file lies elsewhere',
    attempt: (forge, exchange) => replyFileElsewhere(exchange, policy, forge(blob), 'https://files.example/a'),
  },
  {
    name: 'words of our own',
    attempt: (forge, exchange) => replyOwnWords(exchange, forge(ownWords('hello'))),
  },
  {
    name: 'what advisories say',
    attempt: (forge, exchange) =>
      replyAdvisories(exchange, forge(makeAdvisoryAnswer({ length: 0, pieces: async function* () {} }))),
  },
  {
    name: 'a page for people',
    attempt: (forge, exchange) => replyShown(exchange, forge(makeShown({}, html`<h1>hello</h1>`))),
  },
  {
    name: 'a problem',
    attempt: (forge, exchange) => replyProblem(exchange, undefined, forge(BUSY)),
  },
];

async function exchangeOfAClient(): Promise<Exchange> {
  const { promise, resolve } = Promise.withResolvers<Exchange>();
  const server = createServer((incoming, outgoing) => resolve(beginExchange(incoming, outgoing)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  fetch(`http://127.0.0.1:${port}/`).catch(() => undefined);
  return promise;
}

describe.each(HTTP)('the door for $name', ({ attempt }) => {
  it.each(WAYS)('refuses %s, and sends nothing', async (_, forge) => {
    const exchange = await exchangeOfAClient();
    await expect(async () => attempt(forge, exchange)).rejects.toThrow(/^This value is no \w+ of ours/);
    expect(exchange.begun).toBe(false);
    expect(outgoingOf(exchange).writableEnded).toBe(false);
  });

  it('sends what is real', async () => {
    const exchange = await exchangeOfAClient();
    await attempt((real) => real, exchange);
    expect(exchange.begun).toBe(true);
  });
});

describe.each(WAYS)('an exchange by %s', (_, forge) => {
  it('leads to no answer', async () => {
    const exchange = await exchangeOfAClient();
    expect(() => outgoingOf(forge(exchange))).toThrow(TypeError);
    expect(exchange.begun).toBe(false);
  });
});

describe('a file', () => {
  it.each(['/a', 'files.example/a', 'ftp://files.example/a', 'javascript:alert(1)'])(
    'is sent for to no other place than one of the web: %s',
    async (location) => {
      const exchange = await exchangeOfAClient();
      expect(() => replyFileElsewhere(exchange, policy, blob, location)).toThrow(TypeError);
      expect(exchange.begun).toBe(false);
    },
  );

  it('has no head before its size is known', async () => {
    const exchange = await exchangeOfAClient();
    const unknown = makeFileAnswer({
      filename: 'a',
      project: undefined,
      size: undefined,
      sha256: undefined,
      stored: false,
      open: async () => blob,
    });
    expect(() => replyFileHead(exchange, policy, unknown, true)).toThrow(TypeError);
    expect(exchange.begun).toBe(false);
  });
});

describe('a redirect', () => {
  it.each(['https://evil.example/', '//evil.example/', '/\\evil.example/', '\\\\evil.example', 'javascript:alert(1)'])(
    'to %s is refused',
    async (location) => {
      const exchange = await exchangeOfAClient();
      expect(() => replyRedirect(exchange, undefined, location)).toThrow(TypeError);
      expect(exchange.begun).toBe(false);
    },
  );

  it.each(['../foo-bar/', 'simple/', '/packages/etc/passwd'])('to %s is sent', async (location) => {
    const exchange = await exchangeOfAClient();
    replyRedirect(exchange, undefined, location);
    expect(exchange.status).toBe(301);
  });
});

describe.each(WAYS)('bytes are not proved, stored or read by %s', (_, forge) => {
  it('as what is expected of them', async () => {
    const { blobs } = await openStore();
    const none = /^This value is no Expected of ours/;
    expect(() => prove(evil, forge(expected))).toThrow(none);
    await expect(blobs.open(forge(expected))).rejects.toThrow(none);
    await expect(blobs.readDocument(forge(expected), 10)).rejects.toThrow(none);
    const source = upstream(whole(evil));
    await expect(blobs.fetch(wanted(evil, { expected: forge(expected) }), source.download, client())).rejects.toThrow(
      none,
    );
    expect(source.requests).toEqual([]);
  });

  it('as what is remembered of a first sight', async () => {
    const { blobs } = await openStore();
    const seen = forge(rememberSight(new Map([['sha256', sha256Hex(evil)]])));
    const opened = (async () => blobs.open(seen.expected))();
    await expect(opened).rejects.toThrow(TypeError);
  });

  it('as a sighting, which is no expectation either', async () => {
    const refused = async (options: Partial<FirstSightsOptions>) =>
      new FirstSights({ ...SIGHTS, ...options }).see('a', OWN_FILE, WANTED_FILE, client());
    const sighted = (sighting: Sighting) => ({ sight: async () => ({ sighting, read: async () => undefined }) });
    await expect(refused({ blobs: sighted(forge(makeSighting('ab'.repeat(32), 4))) })).rejects.toThrow(
      /^This value is no Sighting of ours/,
    );
  });

  it('as a proved document', async () => {
    const { blobs } = await openStore();
    await expect(blobs.writeDocument(forge(prove(evil, expected)))).rejects.toThrow(/^This value is no Proven of ours/);
    expect(await blobs.stored(expected)).toBe(false);
  });
});

describe('a page', () => {
  const source: Source = { sha256: '', url: '', serial: undefined, weight: 0, read: async () => evil };
  const observation = { fetch: undefined, final: true, repeated: true };
  const believed = makeBelieved('tuf', { name: '', source, observation, from: 'upstream', proof: undefined });

  it.each(WAYS)('is not drawn of what is believed by %s', async (_, forge) => {
    const drawer = new ListDrawer(workHere, drawn);
    for (const drawing of [
      drawer.draw(forge(believed), source, internalCaller('main')),
      drawer.restore(forge(believed), source),
    ])
      await expect(drawing).rejects.toThrow(/^This value is no Believed of ours/);
  });

  const tier = createMemoryCache({ maxBytes: 1e6, nowMs: () => START * 1000 });
  const authenticator = makeAuthenticator(new Uint8Array(32), PACKED_PAGE);
  const guarded = new GuardedCache({ index: 'main', cache: tier, authenticator, emit: () => undefined });
  const drawn = new DrawnBodies([{ cache: guarded, leastBytes: 0 }], {});

  it.each(WAYS)('of a project is neither drawn nor found again of what is believed by %s', async (_, forge) => {
    const drawer = new PageDrawer({ ...DRAWING, drawn });
    for (const drawing of [
      drawer.draw(forge(believed), source, internalCaller('main')),
      drawer.restore(forge(believed), source),
    ])
      await expect(drawing).rejects.toThrow(/^This value is no Believed of ours/);
  });

  it('is none where nobody judged it', async () => {
    const bytes = Buffer.from('{"meta":{"api-version":"1.0"},"name":"a","files":[]}');
    const work: PageWork = {
      ...workHere,
      drawPage: (asked, steps, caller) => {
        const enforce = async (listing: Listing) => ({ listing, withheld: new Map(), silenced: new Map() });
        return workHere.drawPage(asked, { ...steps, enforce }, caller);
      },
    };
    const drawer = new PageDrawer({ ...DRAWING, work });
    const asked = { ...source, url: 'https://a.example/simple/a/', read: async () => bytes };
    const named = makeBelieved('tuf', { name: 'a', source: asked, observation, from: 'upstream', proof: undefined });
    await expect(drawer.draw(named, asked, internalCaller('main'))).rejects.toThrow(
      'a page was drawn that nothing was enforced on',
    );
  });

  it('is not taken over by a belief of other bytes', () => {
    const made = { settled: true, until: undefined, policy: '', pins: '', weight: 0, view: { page, whole: undefined } };
    const other = {
      name: '',
      source: { ...source, sha256: 'a' },
      observation,
      from: 'upstream',
      proof: undefined,
    } as const;
    const drawer = new PageDrawer(DRAWING);
    expect(() => drawer.under({ ...made, believed }, makeBelieved('tuf', other))).toThrow('other bytes');
    expect(drawer.under({ ...made, believed }, believed).view.page.size).toBe(page.size);
    const listing = relink(decodePage(Buffer.from('{"meta":{"api-version":"1.0"},"name":"a","files":[]}'), 'a'), {
      pageUrl: 'https://a.example/simple/a/',
    });
    const verdict = DRAWING.policy.page(listing, new Map(), START);
    const parts = { believed, page, listing, withheld: new Map(), verdict };
    expect(() => makeBelievedPage(parts).under(makeBelieved('tuf', other))).toThrow('other bytes');
  });

  it.each(WAYS)('is not kept where it was made by %s', (_, forge) => {
    expect(() => drawn.put(believed, source, '', forge(page), () => '')).toThrow(/^This value is no Page of ours/);
  });
});

describe('a cached body', () => {
  const authenticator = makeAuthenticator(new Uint8Array(32), PACKED_PAGE);
  const name = 'a'.repeat(64);
  const sealed = authenticator.seal(name, page.packed('a note'));

  it.each(WAYS)('is no page where what vouches for it is made by %s', (_, forge) => {
    const authentic = authenticator.open(name, sealed) ?? expect.fail();
    expect(() => restorePage(forge(authentic))).toThrow(/^This value is no Authentic of ours/);
    expect(restorePage(authentic)?.note).toBe('a note');
  });

  it('is none without the right tag: under another name, of another key, changed anywhere, cut or grown', () => {
    const other = makeAuthenticator(new Uint8Array(32).fill(1), PACKED_PAGE);
    expect(authenticator.open('b'.repeat(64), sealed)).toBeUndefined();
    expect(other.open(name, sealed)).toBeUndefined();
    expect(authenticator.open(name, page.packed('a note'))).toBeUndefined();
    for (let cut = 1; cut < sealed.byteLength; cut += 7)
      expect(authenticator.open(name, sealed.subarray(0, -cut))).toBeUndefined();
    expect(authenticator.open(name, Buffer.concat([sealed, Buffer.of(0)]))).toBeUndefined();
    for (let at = 0; at < sealed.byteLength; at++) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(authenticator.open(name, changed)).toBeUndefined();
    }
  });

  it('is none where it was sealed for another use', () => {
    const elsewhere = makeAuthenticator(new Uint8Array(32), 'another use');
    expect(authenticator.open(name, elsewhere.seal(name, page.packed('')))).toBeUndefined();
    const authentic = elsewhere.open(name, elsewhere.seal(name, page.packed(''))) ?? expect.fail();
    expect(() => restorePage(authentic)).toThrow(/sealed for another use/);
  });
});

describe('the workflow of TUF', () => {
  const simulator = createSimulator({
    fill(r) {
      r.delegate('targets', { name: 'a', authority: authority(['shared']), paths: ['a/*'] });
      r.delegate('targets', { name: 'b', authority: authority(['shared']), paths: ['b/*'] });
      r.addTarget('a', 'a/x', evil);
      r.addTarget('b', 'b/x', evil);
    },
  });
  let generation: Generation;
  let role: Verified<Targets>;
  let toB: Delegation;

  beforeAll(async () => {
    const client = createClient(simulator);
    generation = await client.refresh();
    role = (await client.find('a/x')).listedBy?.role ?? expect.fail();
    toB = generation.targets.signed.delegations?.named('b') ?? expect.fail();
  });

  it.each(WAYS)('takes no document, root, stage or authority by %s', async (_, forge) => {
    const none = /^This value is no \w+ of ours/;
    const { targets, timestamp, snapshot, root } = generation;
    expect(() => asOf(forge(root), START)).toThrow(none);
    expect(() => runToEnd(followRoot(forge(root), simulator.rootBytes(1)))).toThrow(none);
    expect(() => withTimestamp(forge(generation), timestamp)).toThrow(none);
    expect(() => withTimestamp(generation, forge(timestamp))).toThrow(none);
    expect(() => withSnapshot(generation, forge(snapshot))).toThrow(none);
    expect(() => withSnapshot(forge(generation), snapshot)).toThrow(none);
    expect(() => withTargets(forge(generation), targets)).toThrow(none);
    expect(() => withTargets(generation, forge(targets))).toThrow(none);
    expect(() => runToEnd(acceptTargets(generation, forge(targets)))).toThrow(none);
    expect(() => runToEnd(acceptDelegated(generation, { ...toB, authority: forge(toB.authority) }, evil))).toThrow(
      none,
    );
    expect(() => runToEnd(openDelegated({ ...toB, authority: forge(toB.authority) }, evil))).toThrow(none);
    expect(() => runToEnd(open(evil, decodeTargets, forge(toB.authority)))).toThrow(none);
    expect(() => runToEnd(reopen(forge(role), decodeTargets, toB.authority))).toThrow(none);
    expect(() => runToEnd(reopen(role, decodeTargets, forge(toB.authority)))).toThrow(none);
    await expect(findTarget(forge(generation), 'a/x', async () => role)).rejects.toThrow(none);
    await expect(findTarget(generation, 'a/x', async () => forge(role))).rejects.toThrow(none);
  });

  it('does not let the targets of a generation be exchanged', () => {
    const { targets } = generation;
    expect(() => Object.assign(generation, { targets: role })).toThrow(TypeError);
    expect(() => Reflect.set(generation, 'targets', role) || expect.fail('not set')).toThrow('not set');
    expect(generation.targets).toBe(targets);
    for (const document of [generation.root, targets])
      expect(() => Object.assign(document, { signed: role.signed })).toThrow(TypeError);
  });

  it('does not take one role for another, though the same keys signed both', async () => {
    await expect(findTarget(generation, 'b/x', async () => role)).rejects.toThrow(
      'The role a was given where b was asked for.',
    );
    expect((await findTarget(generation, 'a/x', async () => role)).target?.length).toBe(evil.byteLength);
  });

  it('does not take the keys of one role for those of another', () => {
    const toA = generation.targets.signed.delegations?.named('a') ?? expect.fail();
    const crossed = { ...toB, authority: toA.authority };
    const bytes = simulator.bytes('1.b.json');
    expect(() => runToEnd(acceptDelegated(generation, crossed, bytes))).toThrow('The keys of a are not those of b.');
    expect(() => runToEnd(openDelegated(crossed, bytes))).toThrow('The keys of a are not those of b.');
    expect(runToEnd(acceptDelegated(generation, toB, bytes)).role).toBe('b');
  });

  it('reads a document again under another role, though the same keys signed both', () => {
    const again = runToEnd(reopen(role, decodeTargets, toB.authority));
    expect(again).not.toBe(role);
    expect([role.role, again.role]).toEqual(['a', 'b']);
  });

  it('knows no other stages than its own', () => {
    class Skipped extends AtRoot {
      static forged(): Skipped {
        return new Skipped(START, trustedRoot());
      }
    }
    expect(() => Skipped.forged()).toThrow(TypeError);
  });

  it('does not open a timestamp as any other role', async () => {
    const at = asOf(trustedRoot(), START);
    expect(() => runToEnd(acceptTimestamp(at, simulator.bytes('1.snapshot.json'), {}))).toThrow(/timestamp/);
  });
});

it('an expectation keeps what it was made of', () => {
  const digests = new Map(expected.digests);
  const own = makeExpected({ length: 4, digests });
  digests.set('sha256', '0'.repeat(64));
  expect(own.digests.get('sha256')).toBe(expected.digests.get('sha256'));
  expect(() => Object.assign(own, { digests })).toThrow(TypeError);
});
