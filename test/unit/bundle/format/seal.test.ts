import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { keyId, makeKey, openKey, parsePublicKey, type SigningKey } from '../../../../src/bundle/format/keys.ts';
import { LIMITS } from '../../../../src/bundle/format/limits.ts';
import { openSeal, seal, type TrustedKey } from '../../../../src/bundle/format/seal.ts';

const SEALED = { index: 'main', number: 7, manifest: { sha256: 'ab'.repeat(32), size: 1234 } };
const NOW = 1_800_000_000;

let files: Awaited<ReturnType<typeof makeKey>>;
let key: SigningKey;
let trusted: TrustedKey;
beforeAll(async () => {
  files = await makeKey(undefined);
  key = await openKey(Buffer.from(files.privateFile), nobody);
  trusted = { public: files.public, name: 'outside 2026' };
});

async function nobody(): Promise<undefined> {
  return undefined;
}

it('what one of the keys signed is believed, and which of them did is said', () => {
  const envelope = seal(SEALED, [key]);
  expect(openSeal(envelope, [{ public: '11'.repeat(32), name: 'none' }, trusted], NOW)).toEqual({
    sealed: SEALED,
    key: trusted,
  });
});

it('what none of the keys signed is refused', async () => {
  const other = await makeKey(undefined);
  const strangers = [{ public: other.public, name: 'another' }];
  for (const keys of [[], strangers])
    expect(() => openSeal(seal(SEALED, [key]), keys, NOW)).toThrow(expect.objectContaining({ reason: 'threshold' }));
});

it('a retired key is refused by its name, and another that signed too is believed', async () => {
  const next = await makeKey(undefined);
  const nextKey = await openKey(Buffer.from(next.privateFile), nobody);
  const retired = { ...trusted, until: NOW };
  expect(() => openSeal(seal(SEALED, [key]), [retired], NOW)).toThrow(
    expect.objectContaining({ reason: 'expired', message: expect.stringContaining('outside 2026') }),
  );
  expect(openSeal(seal(SEALED, [key]), [retired], NOW - 1).key).toBe(retired);
  const both = seal(SEALED, [key, nextKey]);
  expect(openSeal(both, [retired, { public: next.public, name: 'next' }], NOW).key.name).toBe('next');
});

it('no bit of a signed envelope can be changed', () => {
  const envelope = seal(SEALED, [key]);
  // The identifier of the key says nothing that is believed.
  const label = envelope.indexOf('"keyid"');
  const labelEnd = envelope.indexOf('"sig"');
  for (let at = 0; at < envelope.length - 1; at++) {
    if (at >= label && at < labelEnd) continue;
    const changed = Buffer.from(envelope);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => openSeal(changed, [trusted], NOW), `${at}`).toThrow(
      expect.objectContaining({ reason: expect.stringMatching(/format|threshold/) }),
    );
  }
});

it('a signature over the same bytes without their type is no signature of a bundle', () => {
  const payload = Buffer.from(JSON.stringify(SEALED));
  const envelope = JSON.stringify({
    payload: payload.toString('base64'),
    payloadType: 'application/vnd.verbatim.bundle.v1+json',
    signatures: [{ keyid: key.id, sig: key.sign(payload).toString('base64') }],
  });
  expect(() => openSeal(Buffer.from(envelope), [trusted], NOW)).toThrow(
    expect.objectContaining({ reason: 'threshold' }),
  );
});

it('an envelope that is too large is not read', () => {
  expect(() => openSeal(Buffer.alloc(LIMITS.seal + 1, ' '), [trusted], NOW)).toThrow(
    expect.objectContaining({ reason: 'limit' }),
  );
});

it('a key file with a passphrase opens with it alone', async () => {
  const made = await makeKey('correct horse');
  expect(made.privateFile).not.toContain('"private"');
  const file = Buffer.from(made.privateFile);
  const opened = await openKey(file, async () => 'correct horse');
  expect(opened).toMatchObject({ id: made.id, public: made.public });
  await expect(openKey(file, async () => 'wrong horse')).rejects.toMatchObject({ reason: 'policy' });
  await expect(openKey(file, nobody)).rejects.toMatchObject({ reason: 'policy' });
  // Another public key in the file is another key.
  const swapped = made.privateFile.replaceAll(made.public, files.public).replaceAll(made.id, files.id);
  await expect(openKey(Buffer.from(swapped), async () => 'correct horse')).rejects.toMatchObject({ reason: 'policy' });
});

it('a key file that does not fit itself, or is none, is refused', async () => {
  await expect(openKey(Buffer.from(files.publicFile), nobody)).rejects.toMatchObject({
    reason: 'format',
    message: expect.stringContaining('the public half of a key'),
  });
  const other = await makeKey(undefined);
  const mixed = files.privateFile.replaceAll(files.public, other.public);
  for (const file of [mixed, '', '{}', 'null', files.publicFile])
    await expect(openKey(Buffer.from(file), nobody)).rejects.toMatchObject({ reason: 'format' });
  await expect(openKey(Buffer.alloc(LIMITS.keyFile + 1), nobody)).rejects.toMatchObject({ reason: 'limit' });
});

it('a public key is read from PEM and from hex, and nothing else is one', async () => {
  expect(parsePublicKey(files.publicFile)).toBe(files.public);
  expect(parsePublicKey(`${files.public.toUpperCase()}\n`)).toBe(files.public);
  expect(files.id).toBe(keyId(files.public));
  const smallOrder = `01${'00'.repeat(31)}`;
  for (const text of ['', 'key', smallOrder, files.publicFile.slice(0, 60)])
    expect(() => parsePublicKey(text), text).toThrow(expect.objectContaining({ reason: 'format' }));
});

it('openssl checks what a key signed with the public file that keygen makes', () => {
  const room = mkdtempSync(join(tmpdir(), 'verbatim-key-'));
  try {
    const at = (name: string) => join(room, name);
    const sums = Buffer.from(`${'ab'.repeat(32)}  bundle.tar\n`);
    writeFileSync(at('key.pub'), files.publicFile);
    writeFileSync(at('SHA256SUMS'), sums);
    writeFileSync(at('SHA256SUMS.sig'), key.sign(sums));
    const check = () =>
      execFileSync(
        'openssl',
        [
          'pkeyutl',
          '-verify',
          '-pubin',
          '-inkey',
          'key.pub',
          '-rawin',
          '-in',
          'SHA256SUMS',
          '-sigfile',
          'SHA256SUMS.sig',
        ],
        { cwd: room, stdio: 'pipe' },
      ).toString();
    expect(check()).toContain('Signature Verified Successfully');
    writeFileSync(at('SHA256SUMS'), Buffer.concat([sums, Buffer.from('\n')]));
    expect(check).toThrow();
  } finally {
    rmSync(room, { recursive: true });
  }
});

const TYPE = 'application/vnd.verbatim.bundle.v1+json';

/** An envelope as another program may make it: what is in it is signed as it is. */
function envelopeOf(payload: unknown, change: (envelope: { signatures: unknown[] }) => void = () => {}): Buffer {
  const bytes = Buffer.from(JSON.stringify(payload));
  const message = Buffer.concat([Buffer.from(`DSSEv1 ${TYPE.length} ${TYPE} ${bytes.length} `), bytes]);
  const signature = { keyid: key.id, sig: key.sign(message).toString('base64') };
  const envelope = { payload: bytes.toString('base64'), payloadType: TYPE, signatures: [signature] };
  change(envelope);
  return Buffer.from(JSON.stringify(envelope));
}

it.each([
  ['no index', { ...SEALED, index: undefined }],
  ['an index that leaves', { ...SEALED, index: '../main' }],
  ['the number 0', { ...SEALED, number: 0 }],
  ['a number beyond all', { ...SEALED, number: LIMITS.number + 1 }],
  ['no digest', { ...SEALED, manifest: { sha256: '', size: 1 } }],
  ['an empty manifest', { ...SEALED, manifest: { ...SEALED.manifest, size: 0 } }],
  ['a manifest that is too large', { ...SEALED, manifest: { ...SEALED.manifest, size: LIMITS.manifest + 1 } }],
  ['something more', { ...SEALED, more: 1 }],
])('what a key of ours signed with %s is refused', (_, payload) => {
  expect(() => openSeal(envelopeOf(payload), [trusted], NOW)).toThrow(expect.objectContaining({ reason: 'format' }));
  expect(openSeal(envelopeOf(SEALED), [trusted], NOW).sealed).toEqual(SEALED);
});

it.each<readonly [string, (envelope: { signatures: unknown[] }) => void]>([
  ['without signatures', (envelope) => envelope.signatures.splice(0)],
  [
    'with too many signatures',
    (envelope) => envelope.signatures.push(...Array(LIMITS.signatures).fill(envelope.signatures[0])),
  ],
  ['with a long name of a key', (envelope) => Object.assign(envelope.signatures[0] ?? {}, { keyid: 'x'.repeat(129) })],
  ['of another type', (envelope) => Object.assign(envelope, { payloadType: 'application/json' })],
])('an envelope %s is refused', (_, change) => {
  expect(() => openSeal(envelopeOf(SEALED, change), [trusted], NOW)).toThrow(
    expect.objectContaining({ reason: 'format' }),
  );
});
