import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { instantText } from '../../src/bytes/instant.ts';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { makeScratch } from '../rigs/mirror.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { behindTheGap } from '../support/behind-the-gap.ts';
import { DAY } from '../support/clock.ts';
import { pythonTuf } from '../support/environments.ts';
import { authority } from '../support/keys.ts';
import { PYTHON, requirePart } from '../support/python.ts';
import { now, serveRepository } from '../support/rig.ts';
import { sigstoreRepository } from '../support/sigstore-repository.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { startUpstream } from '../support/upstream.ts';
import { startVerbatim, verbatim } from '../support/verbatim.ts';
import { type Asked, askedText, outcomeOf, pythonTufCommand } from './tuf-clients.ts';
import { equal, expectUpstreamsBytes } from './upstreams-bytes.ts';

// The reference client of TUF behind a gap: what it is given there is what upstream signed, judged as of the time that the bundle says.

const bin = await pythonTuf();
const PORT = '34178';
const AT = { metadata: `http://127.0.0.1:${PORT}/tuf/metadata/`, targets: `http://127.0.0.1:${PORT}/tuf/targets/` };
const [ALPHA, BETA] = [tinyWheel('alpha'), tinyWheel('beta')];
/** As a command with all that it asks in its arguments. */
function pythonTufAs(asked: Asked): readonly string[] {
  return ['sh', '-c', 'printf %s "$1" | "$2" "$3"', 'sh', askedText(asked), ...pythonTufCommand(bin ?? '')];
}

describe.runIf(requirePart('python-tuf', bin))('a signed index, carried across a gap', { timeout: 240_000 }, () => {
  it('python-tuf verifies it there as of the reference time, though its signatures ended long ago', async () => {
    // Ten days ago; the online roles lived a day.
    let time = now() - 10 * DAY - 60;
    const index = new SignedIndex({ keys: KEYS, binBits: 2, pageFormat: 'json', now: () => time });
    for (const wheel of [ALPHA, BETA]) index.upload(wheel.project, wheel);
    index.publish();
    time += 60;
    index.repository.rotate('timestamp', authority(['online 2']));
    index.repository.rotate('snapshot', authority(['online 2']));
    index.publish();
    const rig = await serveRepository(index.repository);
    onTestFinished(rig.close);
    const flags = ['--layout', 'pep458', '--pages-url', `${rig.upstream.url}targets/`];
    const then = ['--reference-time', instantText(time)];
    const outside = await rig.mirror([...flags, ...then]);
    for (const wheel of [ALPHA, BETA]) {
      const { simple } = outside;
      const page = await fetch(`${simple}${wheel.project}/`, {
        headers: { accept: 'application/vnd.pypi.simple.v1+json' },
      });
      const { files } = (await page.json()) as { readonly files: readonly { readonly url: string }[] };
      for (const { url } of files) await (await fetch(new URL(url, page.url))).arrayBuffer();
    }
    const key = join(rig.directory, 'key');
    await verbatim('keygen', key);
    const bundle = join(rig.directory, 'bundle.tar');
    const place = ['--data', outside.data, '--upstream', rig.upstream.url, '--root', rig.root, ...flags];
    const exported = await verbatim(
      ...['export', bundle, '--key', key, ...place, '--files-url', `${rig.upstream.url}targets/`, ...then],
    );
    expect([exported.code, exported.stderr]).toEqual([0, '']);
    const config = join(rig.directory, 'inside.yaml');
    await writeFile(
      config,
      `data: inside\nindexes:\n  main:\n    root: ${rig.root}\n    import:\n      keys: [{ name: outside, ed25519_file: key.pub }]\n`,
    );
    const imported = await verbatim('import', bundle, '--config', config);
    expect([imported.code, imported.stderr]).toEqual([0, '']);
    const targets = new Map(
      [ALPHA, BETA].flatMap((wheel) => [
        [index.pagePath(wheel.project), index.page(wheel.project)],
        [index.filePath(wheel), wheel.bytes],
      ]),
    );
    const client = (name: string, referenceTime?: number) =>
      pythonTufAs({
        root: rig.root,
        metadataUrl: 'METADATA',
        targetsUrl: 'TARGETS',
        targets: [...targets.keys()],
        directory: join(rig.directory, name),
        ...(referenceTime !== undefined && { referenceTime }),
      });
    const [back, today] = await behindTheGap({
      config,
      port: PORT,
      cwd: rig.directory,
      commands: [client('then', time), client('today')],
    });
    expect(back?.[0], back?.[1]).toBe(0);
    const outcome = outcomeOf(back?.[1] ?? '');
    for (const [path, bytes] of targets) expect(equal(outcome.targets.get(path), bytes), path).toBe(true);
    expectUpstreamsBytes(outcome, AT, index.repository);
    expect(outcome.cache.get('root.json')).toEqual(index.repository.files.get('metadata/2.root.json'));
    // It is the client that has to be told of the time: nothing that it is given says that it is later.
    expect([today?.[0], today?.[1]]).toEqual([1, expect.stringContaining('ExpiredMetadataError')]);
  });

  it('Sigstore’s production repository arrives byte for byte, delegated role and targets too, and python-tuf verifies it there', async () => {
    const published = sigstoreRepository('metadata/');
    const directory = await makeScratch();
    onTestFinished(() => rm(directory, { recursive: true }));
    const upstream = await startUpstream({ files: published });
    onTestFinished(() => upstream.close());
    const root = join(directory, 'root.json');
    await writeFile(root, published.get('metadata/4.root.json') ?? '');
    // The keys of root 4 are in hex, which python-tuf does not read.
    const clientsRoot = join(directory, 'clients-root.json');
    await writeFile(clientsRoot, published.get('metadata/5.root.json') ?? '');
    const time = Date.UTC(2026, 7, 21) / 1000;
    const flags = [
      '--upstream',
      upstream.url,
      '--root',
      root,
      '--layout',
      'plain',
      '--files-url',
      `${upstream.url}targets/`,
    ];
    const then = ['--reference-time', instantText(time)];
    const place = ['--data', join(directory, 'outside'), ...flags, ...then];
    const outside = await startVerbatim([...flags, ...then], join(directory, 'outside'));
    const names = [...published.keys()].filter((name) => /^metadata\/(?![1-3]\.root)/.test(name));
    expect(names).toHaveLength(16);
    const targets = [...published.keys()].flatMap((name) => PLAIN_TARGET.exec(name)?.[1] ?? []);
    expect(targets).toEqual(expect.arrayContaining(['trusted_root.json', 'registry.npmjs.org/keys.json']));
    expect(targets).toHaveLength(12);
    for (const name of [...names, ...targets]) {
      const from = name.startsWith('metadata/') ? outside.metadata : outside.targets;
      const { status } = await fetch(new URL(name.replace('metadata/', ''), from));
      expect([name, status]).toEqual([name, 200]);
    }
    await outside.close();
    const key = join(directory, 'key');
    await verbatim('keygen', key);
    const bundle = join(directory, 'bundle.tar');
    const exported = await verbatim('export', bundle, '--key', key, ...place);
    expect([exported.code, exported.stderr]).toEqual([0, '']);
    const config = join(directory, 'inside.yaml');
    await writeFile(
      config,
      `data: inside\nindexes:\n  main:\n    root: root.json\n    layout: plain\n    import:\n      max_age: 36500\n      keys: [{ name: outside, ed25519_file: key.pub }]\n`,
    );
    const imported = await verbatim('import', bundle, '--config', config);
    expect([imported.code, imported.stderr]).toEqual([0, '']);
    const fetching =
      'import sys, base64, urllib.request; print(base64.b64encode(urllib.request.urlopen(sys.argv[1]).read()).decode())';
    const [verified, ...documents] = await behindTheGap({
      config,
      port: PORT,
      cwd: directory,
      commands: [
        pythonTufAs({
          root: clientsRoot,
          metadataUrl: 'METADATA',
          targetsUrl: 'TARGETS',
          targets,
          directory: join(directory, 'client'),
          referenceTime: time,
        }),
        ...names.map((name) => [PYTHON, '-c', fetching, name.replace('metadata/', 'METADATA')]),
      ],
    });
    expect(verified?.[0], verified?.[1]).toBe(0);
    const { cache, targets: verifiedTargets } = outcomeOf(verified?.[1] ?? '');
    for (const path of targets)
      expect(equal(verifiedTargets.get(path), published.get(`targets/${path}`)), path).toBe(true);
    expect(equal(cache.get('root.json'), published.get('metadata/15.root.json'))).toBe(true);
    for (const [at, name] of names.entries()) {
      const [code, said = ''] = documents[at] ?? [];
      expect([name, code]).toEqual([name, 0]);
      expect(equal(Buffer.from(said, 'base64'), published.get(name)), name).toBe(true);
    }
  });
});

/** As the archive has them. */
const PLAIN_TARGET = /^targets\/((?:[^/]+\/)?(?![0-9a-f]{64}\.)[^/]+)$/;
