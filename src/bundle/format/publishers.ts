import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';

// Whom files of each project are expected from, as a document that is carried to another site: in a bundle, or as a file of its own.

const FORMAT = 'verbatim-publishers/1';
/** Bytes of one document. */
export const MOST_PUBLISHERS_BYTES = 64 * 1024 * 1024;
/** Of one project: nobody has as many. */
const MOST_PUBLISHERS = 64;

const text = z.string().min(1).max(500);
const PinnedPublisher = z.strictObject({
  kind: text,
  /** For people. */
  name: text,
  id: text,
  workflow: text.optional(),
  environment: text.optional(),
});
export const PinnedProject = z.strictObject({
  project: z
    .string()
    .max(200)
    .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/),
  publishers: z.array(PinnedPublisher).min(1).max(MOST_PUBLISHERS).readonly(),
});
export type PinnedProject = z.infer<typeof PinnedProject>;

const Pinned = z.strictObject({
  format: z.literal(FORMAT),
  index: z.string().max(100),
  projects: z.array(PinnedProject).readonly(),
});

export function pinsText(index: string, projects: readonly PinnedProject[]): string {
  return `${JSON.stringify({ format: FORMAT, index, projects }, undefined, 1)}\n`;
}

/** `called`: what it is, for people. Throws Refusal `format` for what is no such document, or names a project twice. */
export function decodePins(bytes: Uint8Array, called: string): readonly PinnedProject[] {
  const { data, error } = Pinned.safeParse(jsonOf(bytes));
  if (data === undefined) throw unfit(called, `at ${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}`);
  const seen = new Set<string>();
  for (const { project } of data.projects) {
    if (seen.has(project)) throw unfit(called, `it names ${project} twice`);
    seen.add(project);
  }
  return data.projects;
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}

function unfit(called: string, why: string): Refusal {
  return new Refusal(
    'format',
    `${called} is no document of publishers as "verbatim provenance --export" writes it: ${why}.`,
    {
      subject: 'request',
    },
  );
}
