import { afterEach, describe, expect, it } from 'vitest';
import { Refusal } from '../../src/bytes/refusal.ts';
import type { UnverifiedDocuments } from '../../src/mirror/package-index.ts';
import type { PolicySettings } from '../../src/policy/settings.ts';
import type { IndexFile } from '../../src/repository/index-pages.ts';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { JSON_PAGE } from '../rigs/mirror.ts';
import { badGateway } from '../support/bad-days.ts';
import { client } from '../support/callers.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// What PyPI has beside pages and files, as this mirror hands it on.

const ALPHA = tinyWheel('alpha');
const BASE = 'https://mirror.example/';
const url = 'https://pypi.example/integrity/alpha/1.0/x/provenance';

let rig: IndexRig;
afterEach(() => rig.close());

const start = async (provenance?: string) => {
  rig = await startIndexRig({
    fill: (pypi) => pypi.upload('alpha', ALPHA, provenance === undefined ? {} : { provenance }),
  });
};
const relay = (): UnverifiedDocuments => {
  const { unverified: documents } = rig.index();
  if (documents === undefined) throw new Error('nothing is relayed');
  return documents;
};
const reasonOf = (asked: Promise<unknown>) =>
  asked.then(
    () => undefined,
    (error: unknown) => (error instanceof Refusal ? error.reason : error),
  );

describe('the legacy JSON of a project', () => {
  it('lists what the page lists, by its digests, at this mirror', async () => {
    await start();
    const [file] = (await rig.page('alpha')).files;
    const { bytes } = await relay().legacyJson('alpha', undefined, BASE, client());
    expect(JSON.parse(String(bytes)).urls).toMatchObject([
      { filename: ALPHA.filename, url: `${BASE}${rig.path(ALPHA).slice(1)}`, digests: file?.hashes },
    ]);
  });

  it('of an index that has none is made of the page, with the keys that tools read; of a version there is none then', async () => {
    rig = await startIndexRig({ api: false, fill: (pypi) => pypi.upload('alpha', ALPHA) });
    const { bytes } = await relay().legacyJson('alpha', undefined, BASE, client());
    const { info, urls, releases } = JSON.parse(String(bytes));
    expect(info).toEqual({ name: 'alpha', version: '1.0', summary: null, requires_python: null });
    expect(urls).toMatchObject([
      {
        packagetype: 'bdist_wheel',
        upload_time: '2026-01-02T03:04:05',
        upload_time_iso_8601: '2026-01-02T03:04:05.678901Z',
        requires_python: null,
        yanked: false,
      },
    ]);
    expect(releases).toEqual({ '1.0': urls });
    // What it requires nobody says: without a document, PDM reads the file's own metadata.
    expect(await reasonOf(relay().legacyJson('alpha', '1.0', BASE, client()))).toBe('unlisted');
  });

  it('of a version is upstream’s word on what it requires', async () => {
    await start();
    const { bytes } = await relay().legacyJson('alpha', '1.0', BASE, client());
    expect(JSON.parse(String(bytes)).info).toHaveProperty('requires_dist');
  });

  it('does not list a file that is withheld, nor know a version that is not there', async () => {
    await start();
    await rig.page('alpha');
    await rig.get(rig.path(ALPHA));
    await rig.later('alpha');
    await rig.later('alpha');
    rig.pypi.replace('alpha', tinyWheel('alpha', '1.0', 'other'));
    await rig.later('alpha');
    const { bytes } = await relay().legacyJson('alpha', undefined, BASE, client());
    expect(String(bytes)).not.toContain(ALPHA.filename);
    expect(await reasonOf(relay().legacyJson('alpha', '9.9', BASE, client()))).toBe('unlisted');
  });
});

describe('a version', () => {
  it('is the one upstream calls the newest, though a later one stands last', async () => {
    await start();
    rig.pypi.upload('alpha', tinyWheel('alpha', '2.0a1'));
    const { bytes } = await relay().legacyJson('alpha', undefined, BASE, client());
    const { info, urls } = JSON.parse(String(bytes));
    expect([info.version, urls.map(({ filename }: { filename: string }) => filename)]).toEqual([
      '1.0',
      [ALPHA.filename],
    ]);
  });

  it('that is not there, or spelled in ever new ways, sends nobody upstream', async () => {
    await start(url);
    await rig.page('alpha');
    const asked = () => rig.pypi.requests.filter(({ url: path }) => /json$|provenance$/.test(path));
    for (const version of ['9.0', '9.1', '..', 'x']) {
      expect(await reasonOf(relay().legacyJson('alpha', version, BASE, client()))).toBe('unlisted');
      expect(await reasonOf(relay().provenance('alpha', version, ALPHA.filename, client()))).toBe('unlisted');
    }
    expect(asked()).toEqual([]);
    for (const version of ['1', '1.0.0', 'v1', '1.0']) {
      expect(await reasonOf(relay().legacyJson('alpha', version, BASE, client()))).toBeUndefined();
      expect(await reasonOf(relay().provenance('alpha', version, ALPHA.filename, client()))).toBeUndefined();
    }
    expect(asked()).toHaveLength(2);
  });
});

describe('provenance', () => {
  it('is passed on byte for byte', async () => {
    await start(url);
    const { bytes } = await relay().provenance('alpha', '1.0', ALPHA.filename, client());
    expect(String(bytes)).toBe('{"version":1,"attestation_bundles":[]}');
  });

  it('that is not there is asked for again after a minute', async () => {
    await start(url);
    const asked = () => rig.pypi.requests.filter(({ url: path }) => path.startsWith('/integrity/')).length;
    await rig.page('alpha');
    rig.pypi.index.fault(`/integrity/alpha/1.0/${ALPHA.filename}/provenance`, { kind: 'status', status: 404 }, 1);
    for (let at = 0; at < 3; at++)
      expect(await reasonOf(relay().provenance('alpha', '1.0', ALPHA.filename, client()))).toBe('unlisted');
    expect(asked()).toBe(1);
    rig.clock.advance(60);
    expect(await reasonOf(relay().provenance('alpha', '1.0', ALPHA.filename, client()))).toBeUndefined();
  });

  it('under the version of another file is not asked for', async () => {
    rig = await startIndexRig({
      fill: (pypi) => {
        pypi.upload('alpha', ALPHA, { provenance: url });
        pypi.upload('alpha', tinyWheel('alpha', '2.0'), { provenance: url });
      },
    });
    expect(await reasonOf(relay().provenance('alpha', '2.0', ALPHA.filename, client()))).toBe('unlisted');
    expect(rig.pypi.requests.some(({ url: path }) => path.startsWith('/integrity/'))).toBe(false);
    expect(await reasonOf(relay().provenance('alpha', '1.0', ALPHA.filename, client()))).toBeUndefined();
  });

  it('of a file that has none is not asked for', async () => {
    await start();
    expect(await reasonOf(relay().provenance('alpha', '1.0', ALPHA.filename, client()))).toBe('unlisted');
    expect(rig.pypi.requests.some(({ url: path }) => path.startsWith('/integrity/'))).toBe(false);
  });
});

describe('the signature beside a file', () => {
  const SIGNATURE = Buffer.from('-----BEGIN PGP SIGNATURE-----');
  const signature = () => rig.get(`${rig.path(ALPHA)}.asc`);

  it('is handed on as upstream has it, and vouched for by nobody', async () => {
    await start();
    rig.pypi.contents.set(`${rig.path(ALPHA).slice(1)}.asc`, SIGNATURE);
    const { status, headers, body } = await signature();
    expect({ status, evidence: headers['verbatim-evidence'] }).toEqual({ status: 200, evidence: 'none' });
    expect(body.equals(SIGNATURE)).toBe(true);
  });

  it('that is not there, or of a file that no page lists, is absent', async () => {
    await start();
    expect(await rig.refused(`${rig.path(ALPHA)}.asc`)).toBe('404 unlisted');
    const other = rig.path(tinyWheel('alpha', '9.0'));
    const asked = rig.pypi.files.requests.length;
    expect(await rig.refused(`${other}.asc`)).toBe('404 unlisted');
    expect(rig.pypi.files.requests).toHaveLength(asked);
  });
});

describe('the project list', () => {
  it('that the operator turned off is refused, and nobody is asked for it', async () => {
    rig = await startIndexRig({ index: { projectList: false } });
    expect(await rig.refused('/simple/')).toBe('501 policy');
    expect(rig.pypi.index.asked('/simple/')).toEqual([]);
  });

  it('that upstream does not have is no empty list, and no outage', async () => {
    await start();
    rig.pypi.index.fault('/simple/', { kind: 'status', status: 404 });
    expect(await rig.refused('/simple/')).toBe('501 policy');
  });

  it('that has not changed upstream is confirmed without being sent again', async () => {
    await start();
    const list = () => rig.get('/simple/', { headers: { accept: JSON_PAGE } });
    const { body } = await list();
    rig.clock.advance(601);
    await list();
    await expect.poll(() => rig.pypi.index.asked('/simple/').length).toBe(2);
    expect(rig.pypi.index.asked('/simple/').at(-1)?.headers['if-none-match']).toBeDefined();
    rig.pypi.index.fault('/simple/', { kind: 'status', status: 500 });
    await expect.poll(async () => (await list()).body.equals(body)).toBe(true);
    expect(rig.pypi.index.asked('/simple/')).toHaveLength(2);
  });

  it('comes in both forms, and stands in for itself in an outage', async () => {
    await start();
    const names = async () => {
      const { status, body } = await rig.get('/simple/', { headers: { accept: JSON_PAGE } });
      return status === 200 ? JSON.parse(String(body)).projects : status;
    };
    expect(await names()).toEqual([{ name: 'alpha' }]);
    expect(String((await rig.get('/simple/')).body)).toContain('alpha/');
    rig.pypi.index.fault('/simple/', { kind: 'status', status: 502 });
    rig.clock.advance(901);
    expect(await names()).toEqual([{ name: 'alpha' }]);
  });

  it('that could not be had is not fetched again for each client that asks', async () => {
    await start();
    const asked = () => rig.pypi.index.asked('/simple/').length;
    rig.pypi.index.fault('/simple/', { kind: 'status', status: 500 });
    expect(await rig.refused('/simple/')).toBe('503 unreachable');
    const once = asked();
    for (let at = 0; at < 3; at++) expect(await rig.refused('/simple/')).toBe('503 unreachable');
    expect(asked()).toBe(once);
    rig.pypi.heal();
    rig.clock.advance(5);
    expect((await rig.get('/simple/')).status).toBe(200);
    rig.pypi.index.fault('/simple/', { kind: 'status', status: 500 });
    rig.clock.advance(901);
    for (let at = 0; at < 3; at++) expect((await rig.get('/simple/')).status).toBe(200);
    await expect.poll(asked).toBe(2 * once + 1);
  });

  it('that was never had, in an outage, is 503', async () => {
    await start();
    rig.pypi.index.fault('/simple/', { kind: 'status', status: 502 });
    rig.pypi.page('alpha', badGateway);
    expect(await rig.refused('/simple/')).toBe('503 unreachable');
  });
});

describe('what a rule refuses though its page lists it', () => {
  const LIST: IndexFile = { filename: 'alpha-1.0-variants.json', bytes: Buffer.from('{"variants": {}}') };
  const DENIED: PolicySettings = {
    minimumAge: undefined,
    missingUploadTime: 'omit',
    projects: [],
    names: { allow: undefined, deny: ['alpha ==1.0'], action: 'deny' },
    conditions: [],
    exceptions: [],
  };

  it('has no signature here, and no list of variants that nobody states a digest of', async () => {
    rig = await startIndexRig({
      fill(pypi) {
        pypi.upload('alpha', ALPHA);
        const path = `plain/${LIST.filename}`;
        pypi.upload('alpha', LIST, { hashes: {}, url: `${pypi.files.url}${path}` });
        pypi.contents.set(path, LIST.bytes);
      },
      index: { contentAddressed: false, policy: DENIED },
    });
    rig.pypi.contents.set(`${rig.path(ALPHA).slice(1)}.asc`, Buffer.from('-----BEGIN PGP SIGNATURE-----'));
    expect(await rig.names('alpha')).toEqual([ALPHA.filename, LIST.filename]);
    const paths = (await rig.page('alpha')).files.map(
      ({ url: at }) => new URL(at, `${rig.url()}/simple/alpha/`).pathname,
    );
    for (const path of [...paths, ...paths.map((each) => `${each}.asc`), `${paths[0]}.metadata`])
      expect([path, await rig.refused(path)]).toEqual([path, '403 policy']);
  });
});
