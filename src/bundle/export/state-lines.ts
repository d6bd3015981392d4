import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import type { BundleBytes } from '../format/archive.ts';
import { chunksOf } from '../format/archive.ts';
import { LIMITS } from '../format/limits.ts';
import { type Entry, KINDS } from '../format/model.ts';

/** What is remembered of one thing that a bundle's state consisted of. */
export interface StateLine extends Pick<Entry, 'kind' | 'project' | 'name' | 'version' | 'sha256' | 'size'> {
  readonly mark: Mark | undefined;
}

/** What upstream says of a file (PEP 592) or a project (PEP 792). */
export const MARKS = ['yanked', 'quarantined'] as const;
export type Mark = (typeof MARKS)[number];

const Line = z.tuple([
  z.enum(KINDS),
  z.string().max(LIMITS.name),
  z.string().max(LIMITS.name),
  z.int().min(0),
  z.string().regex(/^[0-9a-f]{64}$/),
  z.int().min(0),
  z.enum(['', ...MARKS]),
]);
const LINE_END = 0x0a;

export function encodeStateLine({ kind, project = '', name = '', version = 0, sha256, size, mark }: StateLine): Buffer {
  return Buffer.from(`${JSON.stringify([kind, project, name, version, sha256, size, mark ?? ''])}\n`);
}

/** In the order in which they were written. Throws `state` for what is none of our own. */
export async function* readStateLines(file: BundleBytes): AsyncGenerator<StateLine, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunksOf(file, 0, file.size)) {
    const bytes = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(LINE_END); end !== -1; end = bytes.indexOf(LINE_END, from)) {
      yield decode(bytes.subarray(from, end));
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > LIMITS.line) throw damaged();
  }
  if (rest.length > 0) throw damaged();
}

function decode(line: Buffer): StateLine {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch (cause) {
    throw damaged(cause);
  }
  const { data } = Line.safeParse(value);
  if (data === undefined) throw damaged();
  const [kind, project, name, version, sha256, size, mark] = data;
  return {
    kind,
    ...(project === '' ? {} : { project }),
    ...(name === '' ? {} : { name }),
    ...(version === 0 ? {} : { version }),
    sha256,
    size,
    mark: mark === '' ? undefined : mark,
  };
}

function damaged(cause?: unknown): Refusal {
  return new Refusal(
    'state',
    'What is remembered of an earlier bundle is damaged: make a complete one (without --since).',
    { subject: 'state', cause },
  );
}
