import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import { readGiven } from '../given-file.ts';

// Whom files are expected from, as a file that is carried to another mirror.

const FORMAT = 'verbatim-publishers/1';
const MOST_BYTES = 64 * 1024 * 1024;
/** Of one project: nobody has as many. */
export const MOST_PUBLISHERS = 64;

const text = z.string().min(1).max(500);
export const PinnedPublisher = z.strictObject({
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

const PinsFile = z.strictObject({
  format: z.literal(FORMAT),
  index: z.string().max(100),
  projects: z.array(PinnedProject).readonly(),
});

export function pinsText(index: string, projects: readonly PinnedProject[]): string {
  return `${JSON.stringify({ format: FORMAT, index, projects }, undefined, 1)}\n`;
}

/** Throws Refusal `format` for what is no such file, or names a project twice; `state` where it cannot be read. */
export function readPins(path: string): readonly PinnedProject[] {
  const bytes = readGiven(path, 'publishers', MOST_BYTES);
  const { data, error } = PinsFile.safeParse(jsonOf(bytes));
  if (data === undefined) throw unfit(path, `at ${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}`);
  const seen = new Set<string>();
  for (const { project } of data.projects) {
    if (seen.has(project)) throw unfit(path, `it names ${project} twice`);
    seen.add(project);
  }
  return data.projects;
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function unfit(path: string, why: string): Refusal {
  return new Refusal('format', `${path} is no file of publishers that "verbatim provenance --export" writes: ${why}.`, {
    subject: 'request',
  });
}
