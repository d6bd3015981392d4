import { ASN1Obj } from '@sigstore/core';

// A signed timestamp (RFC 3161, CMS) is full of places that no signature covers: versions, the list of digests, certificates that
// lie beside it. They are what they must be, to the byte, or the timestamp is refused.

const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const OBJECT_IDENTIFIER = 0x06;
const SEQUENCE = 0x30;
const SET = 0x31;
const CONTEXT_0 = 0xa0;
const NULL = Buffer.from([0x05, 0x00]);
const NOTHING = Buffer.alloc(0);
/** `granted`. */
const STATUS = sequence(integer(0));
const SIGNED_DATA = object('2a864886f70d010702');
const TST_INFO = object('2a864886f70d0109100104');
/** ECDSA with SHA-256, SHA-384 and SHA-512. What the verifier does not know it would leave to the key. */
const SIGNATURES: ReadonlySet<string> = new Set(['2a8648ce3d040302', '2a8648ce3d040303', '2a8648ce3d040304']);

/** Whether nothing in it is free to be anything else; `known`: certificates (DER) that may lie beside it. Throws where it is no DER. */
export function isFramed(der: Buffer<ArrayBuffer>, known: readonly Buffer[]): boolean {
  const signedData = at(ASN1Obj.parseBuffer(der), 1, 1, 0);
  const beside = signedData.subs.length > 4 ? at(signedData, 3) : undefined;
  const digest = at(signedData, 1, 0);
  const signer = at(signedData, signedData.subs.length - 1, 0);
  const signature = at(signer, 4, 0).value;
  if (!SIGNATURES.has(signature.toString('hex')) || !areKnown(beside?.value ?? NOTHING, known)) return false;
  const digestOf = (node: ASN1Obj) => algorithm(at(signer, 2, 0).value, node);
  const expected = sequence(
    STATUS,
    sequence(
      SIGNED_DATA,
      tlv(
        CONTEXT_0,
        sequence(
          integer(3),
          tlv(SET, digestOf(digest)),
          sequence(TST_INFO, tlv(CONTEXT_0, tlv(OCTET_STRING, at(signedData, 2, 1, 0).value))),
          beside === undefined ? NOTHING : tlv(CONTEXT_0, beside.value),
          tlv(
            SET,
            sequence(
              integer(1),
              sequence(tlv(SEQUENCE, at(signer, 1, 0).value), tlv(INTEGER, at(signer, 1, 1).value)),
              digestOf(at(signer, 2)),
              tlv(CONTEXT_0, at(signer, 3).value),
              algorithm(signature, at(signer, 4)),
              tlv(OCTET_STRING, at(signer, 5).value),
            ),
          ),
        ),
      ),
    ),
  );
  return expected.equals(der);
}

function at(node: ASN1Obj, ...path: readonly number[]): ASN1Obj {
  let found = node;
  for (const index of path) {
    const next = found.subs[index];
    if (next === undefined) throw new TypeError('it is no signed timestamp');
    found = next;
  }
  return found;
}

/** These certificates, one behind the other, and nothing else. */
function areKnown(bytes: Buffer, known: readonly Buffer[]): boolean {
  let rest = bytes;
  while (rest.length > 0) {
    const next = known.find((each) => rest.subarray(0, each.length).equals(each));
    if (next === undefined) return false;
    rest = rest.subarray(next.length);
  }
  return true;
}

/** With its parameters as they are there: some write NULL, some nothing. */
function algorithm(identifier: Buffer, { subs }: ASN1Obj): Buffer {
  return sequence(tlv(OBJECT_IDENTIFIER, identifier), subs.length > 1 ? NULL : NOTHING);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(SEQUENCE, ...parts);
}

function integer(value: number): Buffer {
  return tlv(INTEGER, Buffer.from([value]));
}

function object(identifier: string): Buffer {
  return tlv(OBJECT_IDENTIFIER, Buffer.from(identifier, 'hex'));
}

/** DER (X.690 §8.1.3): the shortest length. */
function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.from(content.length.toString(16).padStart(8, '0'), 'hex');
  const short = length.subarray(length.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.from([tag, 0x80 | short.length]), short, content]);
}
