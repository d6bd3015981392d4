import { describe, expect, it } from 'vitest';
import { envelope, sign, signaturesOf } from '../../src/repository/documents.ts';
import { jsonText } from '../../src/repository/json-writer.ts';
import { createClient, reasonOf, refusalOf } from '../support/client.ts';
import { authority, key } from '../support/keys.ts';
import { createSimulator } from '../support/simulator.ts';

// Bytes that are not what they should be are refused plainly, with trust where it was, and before any signature is
// looked at where the shape alone tells.

const places = [
  ['root', '2.root.json', 'root'],
  ['timestamp', 'timestamp.json', 'timestamp'],
  ['snapshot', '1.snapshot.json', 'snapshot'],
  ['targets', '1.targets.json', 'targets'],
  ['a', '1.a.json', 'delegated'],
] as const;

function simulated() {
  const simulator = createSimulator({
    fill: (r) => r.delegate('targets', { name: 'a', authority: authority(['a']), paths: ['*'] }),
  });
  const client = createClient(simulator);
  const run = async () => {
    await client.refresh();
    await client.find('x');
  };
  return { simulator, client, run };
}

const bom = (bytes: Uint8Array) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
const text = (change: (text: string) => string) => (bytes: Uint8Array) =>
  Buffer.from(change(Buffer.from(bytes).toString('utf8')));
const instead = (content: string) => () => Buffer.from(content);

const malformed: readonly (readonly [string, (bytes: Uint8Array) => Uint8Array])[] = [
  ['nothing', instead('')],
  ['null (CVE-2026-23991)', instead('null')],
  ['[] (CVE-2026-23991)', instead('[]')],
  ['{} (CVE-2026-23991)', instead('{}')],
  ['a number', instead('1')],
  ['{"signed":1} (CVE-2026-23991)', instead('{"signed":1}')],
  ['{"signed":null,"signatures":null}', instead('{"signed":null,"signatures":null}')],
  ['signed without _type (CVE-2026-23991)', instead('{"signed":{},"signatures":[]}')],
  ['_type null', instead('{"signed":{"_type":null},"signatures":[]}')],
  ['no signatures', text((t) => t.replace('"signatures":', '"signature":'))],
  ['signatures as an object', text((t) => t.replace(/"signatures":\[.*?\]/, '"signatures":{}'))],
  ['a signature that is text', text((t) => t.replace('"signatures":[', '"signatures":["",'))],
  ['a signature without keyid', text((t) => t.replace('"signatures":[', '"signatures":[{"sig":""},'))],
  ['a signature without sig', text((t) => t.replace('"signatures":[', '"signatures":[{"keyid":"x"},'))],
  ['a web page', instead('<!DOCTYPE html><html></html>')],
  ['a byte-order mark', bom],
  ['UTF-16', (bytes) => Buffer.from(Buffer.from(bytes).toString('utf8'), 'utf16le')],
  ['something behind the document', text((t) => `${t}{}`)],
  ['a NUL behind the document', text((t) => `${t}\0`)],
  [
    'invalid UTF-8 in a name nobody reads',
    (bytes) =>
      Buffer.from(
        text((t) => t.replace('{', '{"x\u00ff":1,'))(bytes)
          .toString('latin1')
          .replace('\u00c3\u00bf', '\u00ff'),
        'latin1',
      ),
  ],
  ['a second signed', text((t) => t.replace(/\}$/, ',"signed":{}}'))],
  ['a second signatures', text((t) => t.replace(/\}$/, ',"signatures":[]}'))],
  ['a member of signed twice', text((t) => t.replace('"_type":', '"version":1,"_type":'))],
  ['half of it', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['a version with a fraction', text((t) => t.replace(/"version":(\d+)/, '"version":$1.0'))],
  ['a version with an exponent', text((t) => t.replace(/"version":(\d+)/, '"version":1e0'))],
];

describe.each(places)('%s', (role, name, subject) => {
  it.each(malformed)('%s', async (_, change) => {
    const { simulator, client, run } = simulated();
    if (role === 'root') simulator.repository.publishRoot();
    simulator.instead(name, change(simulator.bytes(name)));
    const before: Readonly<Record<string, number | undefined>> = { ...client.versions() };
    expect(await refusalOf(run)).toMatchObject({ reason: 'format', subject });
    if (role !== 'a') expect(client.versions()[role]).toBe(before[role]);
  });

  it('the shape is judged before any key is used', async () => {
    const { simulator, run } = simulated();
    if (role === 'root') simulator.repository.publishRoot();
    // Wrong in shape and unsigned: the shape is what is told.
    simulator.instead(name, Buffer.from(jsonText({ signed: { _type: 'nothing' }, signatures: [] })));
    expect(await reasonOf(run)).toBe('format');
  });

  it('a signature over the text instead of its canonical form', async () => {
    const { simulator, run } = simulated();
    if (role === 'root') simulator.repository.publishRoot();
    const signed =
      role === 'root' || role === 'timestamp' || role === 'snapshot'
        ? simulator.repository[role]
        : simulator.repository.role(role);
    const [holder] = [key(role)];
    const sig = Buffer.from(holder.sign(Buffer.from(jsonText(signed)))).toString('hex');
    simulator.instead(name, envelope(signed, [{ keyid: holder.keyid, sig }]));
    expect(await reasonOf(run)).toBe('threshold');
  });

  it('a member added behind the signature is covered by it', async () => {
    const { simulator, run } = simulated();
    if (role === 'root') simulator.repository.publishRoot();
    simulator.instead(name, text((t) => t.replace('"_type":', '"x-added":1,"_type":'))(simulator.bytes(name)));
    expect(await reasonOf(run)).toBe('threshold');
  });

  it('a big integer in a custom field is covered digit by digit', async () => {
    const { simulator, run } = simulated();
    if (role === 'root') simulator.repository.publishRoot();
    const signed =
      role === 'root' || role === 'timestamp' || role === 'snapshot'
        ? simulator.repository[role]
        : simulator.repository.role(role);
    signed['x-number'] = 2n ** 53n + 1n;
    const signatures = signaturesOf(signed, [key(role)]);
    simulator.instead(name, envelope(signed, signatures));
    await run().then(
      () => undefined,
      (error) => expect.fail(String(error)),
    );
    const { simulator: second, run: runSecond } = simulated();
    if (role === 'root') second.repository.publishRoot();
    second.instead(name, envelope({ ...signed, 'x-number': 2n ** 53n }, signatures));
    expect(await reasonOf(runSecond)).toBe('threshold');
  });
});

describe('the pinned root', () => {
  it.each(malformed)('%s', async (_, change) => {
    const { simulator } = simulated();
    expect(await reasonOf(() => createClient(simulator, change(simulator.rootBytes(1))))).toBe('format');
  });

  it('not signed by its own keys', async () => {
    const { simulator } = simulated();
    const forged = sign(simulator.repository.root, [key('attacker')]);
    expect(await refusalOf(() => createClient(simulator, forged))).toMatchObject({
      reason: 'threshold',
      subject: 'root',
    });
    expect(simulator.reads).toEqual([]);
  });

  it('some other document', async () => {
    const { simulator } = simulated();
    expect(await reasonOf(() => createClient(simulator, simulator.bytes('timestamp.json')))).toBe('format');
  });
});
