import { z } from 'zod';
import { yieldToEventLoop } from '../async/yield.ts';
import { ALGORITHMS, isDigest } from '../bytes/digest.ts';
import { type JsonPieces, openJson } from '../bytes/json-pieces.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Pin } from '../ports/index-state.ts';
import { STATE_VALUE_BYTES } from '../ports/state-storage.ts';
import { compress, decompress, isCompressed } from './compressed.ts';
import type { ItemKind } from './item.ts';
import { PINS_BYTES } from './limits.ts';

// One project's pins as they are written down, compressed: they are for ever. What older versions did not write stays optional,
// and some did not compress.

const StoredDigests = z
  .array(z.tuple([z.enum(ALGORITHMS), z.string()]).refine(([algorithm, hex]) => isDigest(algorithm, hex)))
  .min(1);
const StoredPin = z.strictObject({
  file: z.string(),
  digests: StoredDigests,
  seen: z.int(),
  coreMetadata: StoredDigests.optional(),
  provisional: z.literal(true).optional(),
  proved: z.literal(true).optional(),
  fetch: z.string().optional(),
  firstSight: z.literal(true).optional(),
  uploadTime: z.string().optional(),
  absent: z.int().optional(),
  joined: z.literal(true).optional(),
  removed: z.int().optional(),
});
const StoredPins = z.strictObject({ project: z.string(), pins: z.array(z.unknown()) });

/** A few milliseconds of work. */
const PINS_A_TURN = 1000;

/** As much as ever could be stored; how much more may be added is said where it is written. */
const READABLE = {
  what: 'What is stored of a project',
  subject: 'state',
  depth: 16,
  values: STATE_VALUE_BYTES / 8,
  piece: 64 * 1024,
} as const;

export interface ProjectPins {
  readonly project: string;
  readonly pins: ReadonlyMap<string, Pin>;
}

/** `mostBytes` of all of them together, before they are compressed. */
export function pinsKind(project: string, mostBytes: number = PINS_BYTES): ItemKind<ReadonlyMap<string, Pin>> {
  return {
    what: `the digests first seen for ${project}`,
    encode: async (pins) => compress(await encodePins(project, pins, mostBytes)),
    async decode(value) {
      const bytes = isCompressed(value) ? await decompress(value, STATE_VALUE_BYTES) : value;
      if (bytes === undefined) return undefined;
      const decoded = await decodeStored(bytes);
      return decoded?.project === project ? decoded.pins : undefined;
    },
  };
}

/** Undefined for anything that is not a project's pins, to the letter. */
export async function decodePins(state: unknown): Promise<ProjectPins | undefined> {
  const parsed = StoredPins.safeParse(state);
  if (!parsed.success) return undefined;
  const pins = await gathered(parsed.data.pins);
  return pins && { project: parsed.data.project, pins };
}

/** Pin by pin: all of a large project as one text, and as it is parsed, takes ten times its bytes. */
async function decodeStored(bytes: Uint8Array): Promise<ProjectPins | undefined> {
  let project: unknown;
  let pins: ReadonlyMap<string, Pin> | undefined;
  try {
    const json = openJson(bytes, READABLE);
    for (const member of json.eachMember()) {
      if (member === 'project' && project === undefined) project = json.value();
      else if (member === 'pins' && pins === undefined) pins = await gathered(valuesOf(json));
      else return undefined;
    }
    json.end();
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
  return typeof project === 'string' && pins !== undefined ? { project, pins } : undefined;
}

function* valuesOf(json: JsonPieces): Generator<unknown, void, undefined> {
  for (const _ of json.eachElement()) yield json.value();
}

/** Undefined where one of them is no pin. */
async function gathered(stored: Iterable<unknown>): Promise<ReadonlyMap<string, Pin> | undefined> {
  const pins = new Map<string, Pin>();
  let read = 0;
  for (const one of stored) {
    if (++read % PINS_A_TURN === 0) await yieldToEventLoop();
    const pin = StoredPin.safeParse(one);
    if (!pin.success) return undefined;
    const { file, digests, coreMetadata, ...rest } = pin.data;
    pins.set(file, { ...rest, digests: new Map(digests), coreMetadata: coreMetadata && new Map(coreMetadata) });
  }
  return pins;
}

/** Part by part, for the same reason. Throws Refusal `limit`. */
async function encodePins(project: string, pins: ReadonlyMap<string, Pin>, mostBytes: number): Promise<Uint8Array> {
  const parts: Buffer[] = [Buffer.from(`{"project":${JSON.stringify(project)},"pins":[`)];
  let size = 0;
  let lines: string[] = [];
  const flush = async (between: string): Promise<void> => {
    const part = Buffer.from(lines.join(',') + between);
    lines = [];
    size += part.byteLength;
    if (size > mostBytes)
      throw new Refusal(
        'limit',
        `There is no more room for the digests first seen for ${project}: at most ${mostBytes} bytes are kept (cache.project_bytes). What is kept already stays as it is.`,
        { subject: 'state' },
      );
    parts.push(part);
    await yieldToEventLoop();
  };
  for (const [file, pin] of pins) {
    // The last part of all ends without a comma: it is written below, and is never empty where there are pins.
    if (lines.length === PINS_A_TURN) await flush(',');
    lines.push(JSON.stringify(storedPin(file, pin)));
  }
  await flush(']}');
  return Buffer.concat(parts);
}

function storedPin(file: string, pin: Pin): z.input<typeof StoredPin> {
  return {
    file,
    digests: [...pin.digests],
    seen: pin.seen,
    ...(pin.coreMetadata && { coreMetadata: [...pin.coreMetadata] }),
    ...(pin.provisional === true && { provisional: true }),
    ...(pin.proved === true && { proved: true }),
    ...(pin.fetch !== undefined && { fetch: pin.fetch }),
    ...(pin.firstSight === true && { firstSight: true }),
    ...(pin.uploadTime !== undefined && { uploadTime: pin.uploadTime }),
    ...(pin.absent !== undefined && { absent: pin.absent }),
    ...(pin.joined === true && { joined: true }),
    ...(pin.removed !== undefined && { removed: pin.removed }),
  };
}
