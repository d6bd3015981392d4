import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Rig, startRig } from '../support/rig.ts';
import { startTamperingProxy, type Tamper, type TamperingProxy } from '../support/tampering-proxy.ts';
import { type RunningVerbatim, startVerbatim } from '../support/verbatim.ts';
import { wheels as house, type Wheel } from '../support/wheels.ts';

// A mirror behind a mirror, with upstream's root pinned: who stands between them, the first mirror's owner included,
// can withhold and nothing else.

const { wheels } = await house();
const JSON_PAGE = { accept: 'application/vnd.pypi.simple.v1+json' };

let rig: Rig;
let first: RunningVerbatim;
let proxy: TamperingProxy;
let data: string;
let second: RunningVerbatim | undefined;

beforeEach(async () => {
  rig = await startRig({ wheels, claimed: ['six'], metaHashes: ['sha256'] });
  first = await rig.mirror(['--refresh', '1']);
  proxy = await startTamperingProxy(new URL('/', first.simple).href);
  data = await mkdtemp(join(rig.directory, 'second-'));
});
afterEach(async () => {
  await second?.close();
  await proxy.close();
  await rig.close();
});

async function startSecond(tamper?: Tamper): Promise<RunningVerbatim> {
  await second?.close();
  proxy.tamper = tamper;
  const targets = `${proxy.url}tuf/targets/`;
  const places = ['--metadata-url', `${proxy.url}tuf/metadata/`, '--pages-url', targets, '--files-url', targets];
  const flags = ['--upstream', proxy.url, '--root', rig.root, '--layout', 'pep458', ...places];
  second = await startVerbatim(flags, data);
  return second;
}

const pageOf = (mirror: RunningVerbatim, project: string) =>
  fetch(`${mirror.simple}${project}/`, { headers: JSON_PAGE });
const fileOf = (mirror: RunningVerbatim, wheel: Wheel) =>
  fetch(new URL(`../${rig.index.filePath(wheel)}`, mirror.simple));

async function refusal(answer: Response): Promise<{ readonly status: number; readonly reason: unknown }> {
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return { status: answer.status, reason: ((await answer.json()) as { reason: unknown }).reason };
}

/** Shorter, of the same length, or longer than listed. */
const OTHER_BYTES = expect.stringMatching(/^(length|digest|limit)$/);

const idna = wheel('idna');

function wheel(project: string): Wheel {
  const found = wheels.find((each) => each.project === project);
  if (found === undefined) throw new Error(`no ${project}`);
  return found;
}

function flip(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
}

describe('a second mirror behind the first', () => {
  it("serves upstream's pages, files and metadata when nobody tampers", async () => {
    const mirror = await startSecond();
    for (const each of wheels) {
      const page = (await (await pageOf(mirror, each.project)).json()) as {
        readonly files: readonly { readonly hashes: unknown }[];
      };
      expect(page.files.map(({ hashes }) => hashes)).toEqual([{ sha256: each.sha256 }]);
      const file = await fileOf(mirror, each);
      expect(Buffer.compare(await file.bytes(), each.bytes)).toBe(0);
    }
    const timestamp = await fetch(`${mirror.metadata}timestamp.json`);
    expect(await timestamp.bytes()).toEqual(
      new Uint8Array(rig.index.repository.files.get('metadata/timestamp.json') ?? []),
    );
  });

  it('refuses a wheel with one byte flipped on the way, and serves it once the way is clean', async () => {
    const mirror = await startSecond((path, truth) => (path.endsWith('.whl') ? flip(truth) : undefined));
    expect(await refusal(await fileOf(mirror, idna))).toEqual({ status: 403, reason: 'digest' });
    proxy.tamper = undefined;
    await expect.poll(async () => (await fileOf(mirror, idna)).status).toBe(200);
    const file = await fileOf(mirror, idna);
    expect(Buffer.compare(await file.bytes(), idna.bytes)).toBe(0);
  });

  it("refuses another project's page under this project's name", async () => {
    const page = rig.index.page('six');
    const mirror = await startSecond((path) => (path.includes('/simple/idna/') ? page : undefined));
    expect(await refusal(await pageOf(mirror, 'idna'))).toEqual({ status: 502, reason: OTHER_BYTES });
  });

  it('refuses a page that lists one more wheel', async () => {
    const mirror = await startSecond((path, truth) =>
      path.includes('/simple/idna/') ? Buffer.from(Buffer.from(truth).toString().replace('3.10', '9.10')) : undefined,
    );
    expect(await refusal(await pageOf(mirror, 'idna'))).toEqual({ status: 502, reason: OTHER_BYTES });
  });

  it("refuses one bin's metadata in another's place", async () => {
    const role = rig.index.roleFor('idna', rig.index.pagePath('idna'));
    const bin = rig.index.bins.names.find((name) => name !== role);
    const bytes = rig.index.repository.files.get(`metadata/1.${bin}.json`) ?? new Uint8Array();
    const mirror = await startSecond((path) => (path.endsWith(`/1.${role}.json`) ? bytes : undefined));
    expect(await refusal(await pageOf(mirror, 'idna'))).toEqual({ status: 502, reason: OTHER_BYTES });
    expect((await pageOf(mirror, 'six')).status).toBe(200);
  });

  it('refuses an older snapshot in the place of the newest', async () => {
    rig.index.upload('idna', { ...idna, filename: 'idna-3.10.1-py3-none-any.whl' });
    const old = rig.index.repository.files.get('metadata/1.snapshot.json') ?? new Uint8Array();
    rig.index.publish();
    await expect.poll(async () => (await fetch(`${first.metadata}2.snapshot.json`)).status).toBe(200);
    const mirror = await startSecond((path) => (path.endsWith('/2.snapshot.json') ? old : undefined));
    expect(await refusal(await pageOf(mirror, 'idna'))).toEqual({ status: 502, reason: OTHER_BYTES });
  });

  it('keeps serving the newest it proved when an older timestamp is replayed, and says why', async () => {
    const old = rig.index.repository.files.get('metadata/timestamp.json') ?? new Uint8Array();
    rig.index.publish();
    const newest = new Uint8Array(rig.index.repository.files.get('metadata/timestamp.json') ?? []);
    const isNewest = async (mirror: RunningVerbatim) =>
      Buffer.compare(await (await fetch(`${mirror.metadata}timestamp.json`)).bytes(), newest) === 0;
    await expect.poll(() => isNewest(first)).toBe(true);
    expect(await isNewest(await startSecond())).toBe(true);

    const replayed = await startSecond((path) => (path.endsWith('/timestamp.json') ? old : undefined));
    expect(await isNewest(replayed)).toBe(true);
    expect((await pageOf(replayed, 'idna')).status).toBe(200);
    await expect.poll(() => replayed.log()).toContain('"reason":"rollback"');
  });

  it('refuses a whole repository signed by whoever holds the first mirror', async () => {
    const forged = await startRig({ wheels: [{ ...idna, bytes: flip(idna.bytes) }], keysOf: 'mallory' });
    onTestFinished(forged.close);
    const { files } = forged.index.repository;
    const mirror = await startSecond((path) => files.get(path.replace('/tuf/', '')));
    expect(await refusal(await pageOf(mirror, 'idna'))).toEqual({ status: 502, reason: 'threshold' });
  });
});
