import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256Hex } from '../../src/bytes/digest.ts';
import type { ItemPath } from '../../src/ports/state-storage.ts';
import { type SignedRig, startSignedRig } from '../rigs/signed-rig.ts';
import { authority } from '../support/keys.ts';
import { damageItem, withState } from '../support/state.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';
import { verbatim } from '../support/verbatim.ts';

// An operator asks whether what lies in the data directory still proves, delegated roles included.

const [CLAIMED, FREE] = [tinyWheel('claimed-one'), tinyWheel('free-one')];

let rig: SignedRig;
afterEach(() => rig.close());

/** A mirror that was asked for both projects, so that it holds the roles on the way to them. */
const start = async (binKind: 'prefixes' | 'succinct' = 'prefixes') => {
  rig = await startSignedRig({
    claims: true,
    binKind,
    fill(signed) {
      for (const file of [CLAIMED, FREE]) signed.upload(file.project, file);
      signed.claim('claimed-one', authority(['developer']));
    },
  });
  for (const { project } of [CLAIMED, FREE]) await rig.page(project);
  return rig.signed.roleFor('free-one', rig.signed.pagePath('free-one'));
};
const item = (role: string): ItemPath => ['main', 'tuf', 'delegated', sha256Hex(Buffer.from(role))];
/** Other bytes in a stored role's place, as whoever has this program and the disk can put them there. */
const put = (role: string, bytes: (stored: (role: string) => Promise<Buffer>) => Promise<Buffer>) =>
  withState(rig.data(), async ({ trust }) => {
    const stored = async (name: string) => Buffer.from((await trust.delegated(name, 1)) ?? []);
    await trust.keepDelegated(role, 1, await bytes(stored));
  });
const change = (role: string, edit: (bytes: Buffer) => Buffer) => put(role, async (stored) => edit(await stored(role)));
const flipped = (bytes: Buffer) => {
  const copy = Buffer.from(bytes);
  // A digit of a signature: whatever else the document says stays as it is.
  const at = copy.indexOf('"sig":"') + '"sig":"'.length;
  copy.write(copy.toString('latin1', at, at + 1) === '0' ? '1' : '0', at);
  return copy;
};
const storedRoles = () => rig.index().signed?.proveStoredRoles();

describe.each(['prefixes', 'succinct'] as const)('delegated roles on disk, with bins by %s', (kind) => {
  it('are proved again, from targets down', async () => {
    await start(kind);
    // claimed, its developer's role, recently-claimed, unclaimed, and one bin.
    expect(await storedRoles()).toEqual({ proved: 5, unproved: 0, wrong: [] });
    await rig.restart();
    expect(await storedRoles()).toEqual({ proved: 5, unproved: 0, wrong: [] });
  });

  it('are found where one bit of a signature differs', async () => {
    const bin = await start(kind);
    await change(bin, flipped);
    expect(await storedRoles()).toMatchObject({ proved: 4, unproved: 0, wrong: [{ role: bin, version: 1 }] });
    await rig.restart();
    expect(await storedRoles()).toMatchObject({ proved: 4, wrong: [{ role: bin }] });
    // What is asked for next is fetched anew, and holds.
    await rig.page('free-one');
    // Stored behind the answer.
    await expect.poll(storedRoles).toEqual({ proved: 5, unproved: 0, wrong: [] });
  });

  it('are found where another role of the same repository lies in their place', async () => {
    const bin = await start(kind);
    await put(bin, (stored) => stored('project-claimed-one'));
    expect(await storedRoles()).toMatchObject({ wrong: [{ role: bin }] });
  });

  it('are not judged by a role that is wrong or gone itself', async () => {
    await start(kind);
    await change('unclaimed', flipped);
    expect(await storedRoles()).toMatchObject({ proved: 3, unproved: 1, wrong: [{ role: 'unclaimed' }] });
    await damageItem(rig.data(), item('unclaimed'));
    expect(await storedRoles()).toEqual({ proved: 3, unproved: 1, wrong: [] });
  });
});

describe('verbatim verify', () => {
  const verify = async (...flags: readonly string[]) => {
    const root = join(rig.data(), '..', 'verify-root.json');
    await writeFile(root, rig.published('metadata/1.root.json'));
    const upstream = ['--upstream', rig.upstream.url, '--root', root, '--layout', 'pep458'];
    return verbatim('verify', '--data', rig.data(), ...upstream, ...flags);
  };

  it('says that all holds, asks upstream nothing, and ends with 0', async () => {
    await start();
    const asked = rig.upstream.requests.length;
    const { code, stdout } = await verify('--json');
    expect({ code, delegated: JSON.parse(stdout).delegated }).toEqual({
      code: 0,
      delegated: [{ index: 'main', proved: 5, unproved: 0, wrong: [] }],
    });
    expect(rig.upstream.requests.length).toBe(asked);
  });

  it('names a stored bin with a byte that is wrong, and ends with 1', async () => {
    const bin = await start();
    await change(bin, flipped);
    const { code, stdout } = await verify();
    expect(code).toBe(1);
    expect(stdout).toContain(bin);
    const asJson = await verify('--json');
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.stdout).delegated[0].wrong).toMatchObject([{ role: bin, version: 1 }]);
  });
});
