import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { SigningKey } from '../../../src/bundle/format/keys.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import type { ImportConfig } from '../../../src/config/config.ts';
import { SignedIndex } from '../../../src/repository/signed-index.ts';
import { IMPORT, importKey } from '../../rigs/import-rig.ts';
import { type Mirror, makeScratch, NOW, signedConfig, startMirror } from '../../rigs/mirror.ts';
import { KEYS } from '../../rigs/signed-rig.ts';
import { createClock, DAY, type TestClock } from '../../support/clock.ts';
import { authority } from '../../support/keys.ts';
import { signingKey } from '../../support/sender.ts';
import { signedBundle } from '../../support/signed-bundles.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// An index signed with TUF that bundles bring: proved by this site's own root, whoever carried it.

const ALPHA = tinyWheel('alpha');
const ALPHA2 = tinyWheel('alpha', '2.0');
const BETA = tinyWheel('beta');

interface Site extends Mirror {
  readonly signed: SignedIndex;
  readonly outside: TestClock;
  readonly key: SigningKey;
}

const open: Site[] = [];
afterEach(async () => {
  for (const site of open.splice(0)) await site.close();
});

/** Ten days ago the outside published; its online roles live a day. */
async function start(given: Partial<ImportConfig> = {}): Promise<Site> {
  const key = await signingKey();
  const outside = createClock(NOW - 10 * DAY);
  const signed = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: outside.now });
  signed.upload('alpha', ALPHA);
  signed.upload('beta', BETA);
  signed.publish();
  const scratch = await makeScratch();
  const root = join(scratch, 'root.json');
  await writeFile(root, signed.repository.files.get('metadata/1.root.json') ?? '');
  const config = signedConfig({
    upstream: 'https://main.invalid/',
    root,
    import: { ...IMPORT, keys: [importKey('outside', key)], ...given },
  });
  const mirror = await startMirror({ scratch, clock: createClock(NOW), indexes: () => [config] });
  const site = { ...mirror, signed, outside, key };
  open.push(site);
  return site;
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Refusal ? `${error.reason}: ${error.message}` : String(error)),
  );
const sent = (site: Site, more: Partial<Parameters<typeof signedBundle>[1]> = {}) =>
  signedBundle(site.signed, { wheels: [ALPHA, BETA], at: site.outside.now(), keys: [site.key], ...more });

describe('a signed bundle of a signed index', () => {
  it('is judged as of its reference time: expired since, it is served, and TUF clients get the original bytes', async () => {
    const site = await start();
    expect(await site.refused('/simple/alpha/')).toBe('503 offline');
    const imported = await site.take([(await sent(site)).whole]);
    expect(imported).toMatchObject({ number: 1, key: 'outside', pages: 2, files: 2 });
    expect(await site.names('alpha')).toEqual([ALPHA.filename]);
    const timestamp = (await site.get('/tuf/metadata/timestamp.json')).body;
    expect(timestamp.equals(Buffer.from(site.signed.repository.files.get('metadata/timestamp.json') ?? ''))).toBe(true);
    const { carried } = await site.index().status();
    expect(carried).toMatchObject({ reference: NOW - 10 * DAY, age: 10 * DAY, most: 30 * DAY });
    await site.restart();
    expect(await site.names('beta')).toEqual([BETA.filename]);
  });

  it('is served up to its age, and then installers get 503 with a sentence; TUF clients still get it', async () => {
    const site = await start({ maxAge: 11 });
    const first = await sent(site);
    await site.take([first.whole]);
    site.clock.advance(DAY);
    expect(await site.names('alpha')).toEqual([ALPHA.filename]);
    site.clock.advance(DAY / 4);
    const { status, body } = await site.get('/simple/alpha/');
    expect([status, JSON.parse(String(body)).reason]).toEqual([503, 'expired']);
    expect(JSON.parse(String(body)).detail).toMatch(/11 days old, and may be 11 days \(import.max_age\)/);
    expect((await site.get('/tuf/metadata/timestamp.json')).status).toBe(200);
    // A newer one brings it back.
    site.outside.advance(DAY / 2);
    site.signed.upload('alpha', ALPHA2);
    site.signed.publish();
    await site.take([
      (await sent(site, { number: 2, previous: first.manifestSha256, wheels: [ALPHA, ALPHA2, BETA] })).whole,
    ]);
    expect(await site.names('alpha')).toHaveLength(2);
  });

  it('never goes back: an older state, an older reference time, a time that has not come', async () => {
    const site = await start();
    const first = await sent(site);
    site.outside.advance(DAY / 2);
    site.signed.upload('alpha', ALPHA2);
    site.signed.publish();
    const second = await sent(site, { number: 2, previous: first.manifestSha256, wheels: [ALPHA, ALPHA2, BETA] });
    await site.take([second.whole]);
    expect(await refusalOf(site.take([first.whole]))).toMatch(/^rollback/);
    const early = await sent(site, {
      number: 3,
      previous: second.manifestSha256,
      header: { referenceTime: '2020-01-01T00:00:00Z' },
    });
    expect(await refusalOf(site.take([early.whole]))).toMatch(/^clock: .*before the last one/);
    expect(await refusalOf(site.take([second.whole], { asOf: NOW + DAY }))).toBe('nothing');
    const late = await sent(site, { number: 3, previous: second.manifestSha256, wheels: [ALPHA] });
    expect(await refusalOf(site.take([late.whole], { asOf: NOW + DAY }))).toMatch(/^clock: .*not come yet/);
    expect(await site.names('alpha')).toHaveLength(2);
  });
});

describe('a bundle of a signed index that nobody signed', () => {
  it('proves what its roles prove at the time that the operator gives; its own times count for nothing', async () => {
    const site = await start();
    const { whole } = await sent(site, { keys: [] });
    expect(await refusalOf(site.take([whole]))).toMatch(/^expired/);
    expect(await site.take([whole], { asOf: NOW - 10 * DAY })).toMatchObject({ key: undefined });
    expect(await site.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('of which another key says that it is whose, is no more than that, and the report says so', async () => {
    const site = await start();
    const { whole } = await sent(site, { keys: [await signingKey()] });
    const imported = await site.take([whole], { asOf: NOW - 10 * DAY });
    expect(imported.key).toBeUndefined();
    expect(imported.unbelieved).toContain('None of the keys');
  });

  it('that is older is a rollback, by the floors of its own roles', async () => {
    const site = await start();
    const first = await sent(site, { keys: [] });
    site.outside.advance(DAY / 2);
    site.signed.upload('alpha', ALPHA2);
    site.signed.publish();
    await site.take([(await sent(site, { keys: [], number: 2, wheels: [ALPHA, ALPHA2, BETA] })).whole], {
      asOf: NOW - 9.5 * DAY,
    });
    expect(await refusalOf(site.take([first.whole], { asOf: NOW - 9.5 * DAY }))).toMatch(/^rollback/);
    expect(await site.names('alpha')).toHaveLength(2);
  });
});

describe('what is refused', () => {
  it('a bundle signed by other roots', async () => {
    const site = await start();
    const others = new SignedIndex({
      keys: { ...KEYS, root: authority(['other root']), online: authority(['other online']) },
      binBits: 2,
      pageFormat: 'json',
      now: site.outside.now,
    });
    others.upload('alpha', ALPHA);
    others.publish();
    const { whole } = await signedBundle(others, { wheels: [ALPHA], at: site.outside.now(), keys: [site.key] });
    expect(await refusalOf(site.take([whole]))).toMatch(/^(threshold|delegation)/);
    expect(await site.refused('/simple/alpha/')).toBe('503 offline');
  });

  it('a gap in the chain of roots', async () => {
    const site = await start();
    const first = await sent(site);
    await site.take([first.whole]);
    const online = authority(['online 2']);
    const { repository } = site.signed;
    site.outside.advance(DAY / 2);
    repository.rotate('timestamp', online);
    repository.rotate('snapshot', online);
    site.signed.publish();
    repository.rotate('timestamp', authority(['online 3']));
    site.signed.publish();
    const gap = await sent(site, { number: 2, previous: first.manifestSha256, rootsFrom: 3 });
    expect(await refusalOf(site.take([gap.whole]))).toMatch(/^threshold/);
    expect(await site.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('a page or a file that is not what the signatures say, and nothing of that bundle is served', async () => {
    const site = await start();
    const first = await sent(site);
    await site.take([first.whole]);
    site.outside.advance(DAY / 2);
    site.signed.upload('alpha', ALPHA2);
    site.signed.publish();
    const second = { number: 2, previous: first.manifestSha256 };
    const swapped = await sent(site, {
      ...second,
      wheels: [ALPHA, ALPHA2, BETA],
      change(contents) {
        const at = contents.findIndex(({ name }) => name === ALPHA2.filename);
        const content = contents[at];
        if (content !== undefined) contents[at] = { ...content, content: tinyWheel('alpha', '2.0', 'evil').bytes };
      },
    });
    expect(await refusalOf(site.take([swapped.whole]))).toMatch(/^(offline|mix-and-match)/);
    expect(await site.names('alpha')).toEqual([ALPHA.filename]);
    // TUF §5.4.5: what was accepted on the way is a floor all the same.
    const { whole } = await sent(site, { ...second, wheels: [ALPHA, ALPHA2, BETA] });
    await site.take([whole]);
    expect(await site.names('alpha')).toHaveLength(2);
  });
});
