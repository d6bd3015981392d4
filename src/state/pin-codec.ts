import { z } from 'zod';
import { yieldToEventLoop } from '../async/yield.ts';
import { ALGORITHMS, isDigest } from '../bytes/digest.ts';
import type { Pin } from '../ports/index-state.ts';
import { encodeJson, parseJson } from './framed.ts';
import type { ItemKind } from './item.ts';

// One project's pins as they are written down. What older versions did not write stays optional.

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
  joined: z.literal(true).optional(),
});
const StoredPins = z.strictObject({ project: z.string(), pins: z.array(z.unknown()) });

/** A few milliseconds of work. */
const PINS_A_TURN = 1000;

interface StoredProject {
  readonly project: string;
  readonly pins: readonly z.input<typeof StoredPin>[];
}

export interface ProjectPins {
  readonly project: string;
  readonly pins: ReadonlyMap<string, Pin>;
}

export function pinsKind(project: string): ItemKind<ReadonlyMap<string, Pin>> {
  return {
    what: `the digests first seen for ${project}`,
    async encode(pins) {
      // Tens of thousands of pins take a while to write down: not all in one turn.
      await yieldToEventLoop();
      const stored = encodePins(project, pins);
      await yieldToEventLoop();
      return encodeJson(stored);
    },
    async decode(bytes) {
      const decoded = await decodePins(parseJson(bytes));
      return decoded?.project === project ? decoded.pins : undefined;
    },
  };
}

/** Undefined for anything that is not a project's pins, to the letter. */
export async function decodePins(state: unknown): Promise<ProjectPins | undefined> {
  const parsed = StoredPins.safeParse(state);
  if (!parsed.success) return undefined;
  const pins = new Map<string, Pin>();
  for (const [at, stored] of parsed.data.pins.entries()) {
    if (at > 0 && at % PINS_A_TURN === 0) await yieldToEventLoop();
    const pin = StoredPin.safeParse(stored);
    if (!pin.success) return undefined;
    const { file, digests, coreMetadata, ...rest } = pin.data;
    pins.set(file, { ...rest, digests: new Map(digests), coreMetadata: coreMetadata && new Map(coreMetadata) });
  }
  return { project: parsed.data.project, pins };
}

function encodePins(project: string, pins: ReadonlyMap<string, Pin>): StoredProject {
  return {
    project,
    pins: [...pins].map(([file, pin]) => ({
      file,
      digests: [...pin.digests],
      seen: pin.seen,
      ...(pin.coreMetadata && { coreMetadata: [...pin.coreMetadata] }),
      ...(pin.provisional === true && { provisional: true }),
      ...(pin.proved === true && { proved: true }),
      ...(pin.fetch !== undefined && { fetch: pin.fetch }),
      ...(pin.firstSight === true && { firstSight: true }),
      ...(pin.uploadTime !== undefined && { uploadTime: pin.uploadTime }),
      ...(pin.joined === true && { joined: true }),
    })),
  };
}
