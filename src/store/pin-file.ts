import { z } from 'zod';
import { ALGORITHMS, isDigest } from '../bytes/digest.ts';
import type { Pin } from '../mirror/ports.ts';

// One project's pins as they lie on disk. What older versions did not write stays optional.

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
  uploadTime: z.string().optional(),
});
const StoredPins = z.strictObject({ project: z.string(), pins: z.array(StoredPin) });

/** Undefined for anything that is not a project's pins, to the letter. */
export function decodePins(
  state: unknown,
): { readonly project: string; readonly pins: ReadonlyMap<string, Pin> } | undefined {
  const parsed = StoredPins.safeParse(state);
  if (!parsed.success) return undefined;
  const pins = new Map<string, Pin>();
  for (const { file, digests, coreMetadata, ...rest } of parsed.data.pins)
    pins.set(file, { ...rest, digests: new Map(digests), coreMetadata: coreMetadata && new Map(coreMetadata) });
  return { project: parsed.data.project, pins };
}

export function encodePins(project: string, pins: ReadonlyMap<string, Pin>): z.input<typeof StoredPins> {
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
      ...(pin.uploadTime !== undefined && { uploadTime: pin.uploadTime }),
    })),
  };
}
