import { mkdtemp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { instantText } from '../../src/bytes/instant.ts';
import { SignedIndex } from '../../src/repository/signed-index.ts';
import { KEYS } from '../rigs/signed-rig.ts';
import { behindTheGap } from '../support/behind-the-gap.ts';
import { DAY } from '../support/clock.ts';
import { pythonTuf } from '../support/environments.ts';
import { authority } from '../support/keys.ts';
import { requirePart } from '../support/python.ts';
import { now, serveRepository } from '../support/rig.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';
import { askedText, outcomeOf, pythonTufCommand } from './tuf-clients.ts';
import { equal, expectUpstreamsBytes } from './upstreams-bytes.ts';

// The reference client of TUF behind a gap: what it is given there is what upstream signed, judged as of the time that the bundle says.

const bin = await pythonTuf();
const PORT = '34178';
const AT = { metadata: `http://127.0.0.1:${PORT}/tuf/metadata/`, targets: `http://127.0.0.1:${PORT}/tuf/targets/` };
const [ALPHA, BETA] = [tinyWheel('alpha'), tinyWheel('beta')];

describe.runIf(requirePart('python-tuf', bin))('a signed index, carried across a gap', { timeout: 120_000 }, () => {
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
    const clients = await mkdtemp(join(rig.directory, 'client-'));
    const asked = { root: rig.root, metadataUrl: 'METADATA', targetsUrl: 'TARGETS', targets: [...targets.keys()] };
    const [python, script] = pythonTufCommand(bin ?? '');
    const client = (name: string, referenceTime?: number) => {
      const text = askedText({
        ...asked,
        directory: join(clients, name),
        ...(referenceTime !== undefined && { referenceTime }),
      });
      return ['sh', '-c', 'printf %s "$1" | "$2" "$3"', 'sh', text, python, script];
    };
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
});
