import { afterEach, describe, expect, it } from 'vitest';
import { digestHex } from '../../src/repository/digests.ts';
import { Repository } from '../../src/repository/repository.ts';
import { NOW } from '../rigs/mirror.ts';
import { type MirrorRig, startMirrorRig } from '../rigs/mirror-rig.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { createClock, DAY, HOUR } from '../support/clock.ts';
import { authority } from '../support/keys.ts';
import { type TinyWheel, tinyWheel } from '../support/tiny-wheel.ts';

// DataDog's shape: pages of bare anchors in single quotes, each wheel a target of its own, in a role of its own.

const PROJECT = 'datadog-check';
const wheel = (version: string, content = '') => tinyWheel(PROJECT, version, content);

let rig: MirrorRig;
let repository: Repository;
afterEach(() => rig.close());

const start = async (wheels: readonly TinyWheel[], { reuploads = false, extra = '' } = {}) => {
  const clock = createClock(NOW);
  repository = new Repository({
    authorities: { root: KEYS.root, targets: KEYS.targets, snapshot: KEYS.online, timestamp: KEYS.online },
    now: clock.now,
    targetHashes: ['sha512', 'sha256'],
  });
  repository.delegate('targets', {
    name: 'wheels-signer',
    authority: authority(['wheels']),
    paths: ['simple/index.html', 'simple/datadog-*/index.html', 'simple/datadog-*/datadog_*-*-py*-none-any.whl'],
    terminating: true,
  });
  for (const file of wheels) add(file);
  const page = Buffer.concat([anchorsOf(wheels), Buffer.from(extra)]);
  repository.addTarget('wheels-signer', `simple/${PROJECT}/index.html`, page);
  repository.publish();
  const { files } = repository;
  rig = await startMirrorRig({
    files: { get: (path) => files.get(path.replace(/^metadata\.staged\//, 'metadata/')) },
    root: files.get('metadata/1.root.json') ?? new Uint8Array(),
    clock,
    index: { layout: 'datadog', reuploads },
  });
};

const add = (file: TinyWheel) => {
  const role = roleOf(file);
  repository.delegate('wheels-signer', {
    name: role,
    authority: authority([role]),
    paths: [`simple/*/${file.filename}`],
  });
  repository.addTarget(role, pathOf(file), file.bytes);
};
const anchorsOf = (wheels: readonly TinyWheel[]) =>
  Buffer.from(wheels.map(({ filename }) => `<a href='${filename}'>${filename}</a><br />\n`).join(''));
const roleOf = (file: TinyWheel) => `wheels-signer-${digestHex('sha256', Buffer.from(file.filename)).slice(0, 6)}`;
const pathOf = (file: TinyWheel) => `simple/${PROJECT}/${file.filename}`;
const publish = async () => {
  repository.publish();
  rig.clock.advance(60);
  await rig.refresh();
};

describe('a page of bare anchors', () => {
  it('is not put together of two publications', async () => {
    const [one, rebuilt, two] = [wheel('1.0'), wheel('1.0', 'rebuilt'), wheel('2.0')];
    await start([one], { reuploads: true });
    const page = `/targets/simple/${PROJECT}/${digestHex('sha512', anchorsOf([one]))}.index.html`;
    const released = Promise.withResolvers<void>();
    rig.upstream.fault(page, { kind: 'wait', until: released.promise }, 1);
    const listed = async () => (await rig.page(PROJECT)).files.map(({ hashes }) => hashes['sha256']);
    const asked = listed();
    await rig.upstream.reached(page);
    repository.addTarget(roleOf(rebuilt), pathOf(rebuilt), rebuilt.bytes);
    add(two);
    repository.addTarget('wheels-signer', `simple/${PROJECT}/index.html`, anchorsOf([one, two]));
    await publish();
    released.resolve();
    const digestsOf = (files: readonly TinyWheel[]) => files.map(({ bytes }) => digestHex('sha256', bytes));
    expect(await asked).toEqual(digestsOf([one]));
    expect(await listed()).toEqual(digestsOf([rebuilt, two]));
  });

  it('gets digest and size of each file from its own target', async () => {
    const files = [wheel('1.0'), wheel('2.0')];
    await start(files);
    expect(await rig.page(PROJECT)).toEqual({
      meta: { 'api-version': '1.1' },
      name: PROJECT,
      versions: ['1.0', '2.0'],
      files: files.map((file) => ({
        filename: file.filename,
        url: `../../files/${PROJECT}/${digestHex('sha256', file.bytes)}/${file.filename}`,
        hashes: expect.objectContaining({ sha256: digestHex('sha256', file.bytes) }),
        size: file.bytes.byteLength,
        yanked: false,
      })),
    });
    const html = (await rig.get(`/simple/${PROJECT}/`, { headers: { accept: 'text/html' } })).body.toString();
    for (const file of files) expect(html).toContain(`#sha256=${digestHex('sha256', file.bytes)}"`);
  });

  it('does not offer what is no target', async () => {
    await start([wheel('1.0')], {
      extra: "<a href='datadog_check-9.0-py3-none-any.whl'>datadog_check-9.0-py3-none-any.whl</a>",
    });
    expect((await rig.page(PROJECT)).versions).toEqual(['1.0']);
    expect((await rig.index().status()).leftOut.get('no-digest')).toBe(1);
  });

  it('follows its files: other bytes in their roles are other bytes here, though the page is the same', async () => {
    const [before, after] = [wheel('1.0'), wheel('1.0', 'rebuilt')];
    await start([before], { reuploads: true });
    await rig.page(PROJECT);
    repository.addTarget(roleOf(after), pathOf(after), after.bytes);
    await publish();
    const [file] = (await rig.page(PROJECT)).files;
    expect(file?.hashes['sha256']).toBe(digestHex('sha256', after.bytes));
    const path = (bytes: Uint8Array) => `/files/${PROJECT}/${digestHex('sha256', bytes)}/${after.filename}`;
    expect((await rig.get(path(after.bytes))).body.equals(after.bytes)).toBe(true);
    expect(await rig.refused(path(before.bytes))).toBe('404 unlisted');
  });

  it('holds its files to what was first seen', async () => {
    const [before, after] = [wheel('1.0'), wheel('1.0', 'evil')];
    await start([before, wheel('2.0')]);
    await rig.page(PROJECT);
    repository.addTarget(roleOf(after), pathOf(after), after.bytes);
    await publish();
    expect((await rig.page(PROJECT)).versions).toEqual(['2.0']);
    for (const { bytes } of [before, after])
      expect(await rig.refused(`/files/${PROJECT}/${digestHex('sha256', bytes)}/${after.filename}`)).toBe(
        '403 changed',
      );
  });

  it('expires with the first of the roles that vouch for its files', async () => {
    const file = wheel('1.0');
    await start([file]);
    repository.touch(roleOf(file));
    repository.publish({
      roles: {
        [roleOf(file)]: (document) => {
          document.expires = new Date((rig.clock.now() + 2 * HOUR) * 1000).toISOString().replace('.000', '');
        },
      },
    });
    rig.clock.advance(60);
    await rig.refresh();
    await rig.page(PROJECT);
    rig.clock.advance(2 * HOUR);
    expect(await rig.refused(`/simple/${PROJECT}/`)).toBe('503 expired');
    expect(rig.clock.now()).toBeLessThan(NOW + DAY);
  });

  it('that needs more than 64 roles is refused, not half shown', async () => {
    await start(Array.from({ length: 70 }, (_, i) => wheel(`${i}.0`)));
    expect(await rig.refused(`/simple/${PROJECT}/`)).toMatch(/^502 (limit|delegation)$/);
  });
});
