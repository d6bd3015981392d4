import { join } from 'node:path';
import { z } from 'zod';
import { Refusal } from '../../bytes/refusal.ts';
import { onStateDisk } from '../../disk/storage-errors.ts';
import type { Volume } from '../../disk/volume.ts';
import { indexDirectory } from './index-directory.ts';
import { createNumbered, unreadable } from './numbered.ts';

const AuditEntry = z.strictObject({ at: z.int(), action: z.string(), reason: z.string() });
const IndexState = z.strictObject({
  evidence: z.enum(['tuf', 'index']),
  pinnedRootSha256: z.string().optional(),
  /** Of an index that signs nothing: whose word everything kept rests on, and since when where it was another's before. */
  upstream: z.string().optional(),
  upstreamSince: z.int().optional(),
  createdAt: z.int(),
  audit: z.array(AuditEntry).readonly(),
});

/** Who changed what an index believes, and why. */
export type AuditEntry = Readonly<z.infer<typeof AuditEntry>>;
/** What an index was first run with: a later start with anything else needs an audited command (DESIGN §5 "Trust state"). */
export type IndexState = Readonly<z.infer<typeof IndexState>>;

export interface IndexStateStore {
  load(): Promise<IndexState | undefined>;
  /** Replaces everything but the audit trail, which only grows: entries of `next` beyond it are appended. */
  save(next: IndexState): Promise<void>;
  /** Throws Refusal `state` where nothing was saved yet. */
  appendAudit(entry: AuditEntry): Promise<void>;
}

export function createIndexState(volume: Volume, index: string): IndexStateStore {
  const directory = join(indexDirectory(volume, index), 'index');
  const what = `the evidence and the pinned root or upstream that index ${index} was started with`;
  const numbered = createNumbered(volume.durable, directory, what, volume.census(index)?.guard('index'));

  const read = async () => {
    const found = await numbered.read();
    if (found === undefined) return { number: 0, state: undefined };
    const parsed = IndexState.safeParse(found.state);
    if (!parsed.success) throw unreadable(directory, what, parsed.error);
    return { number: found.number, state: parsed.data };
  };
  const change = async (next: (was: IndexState | undefined) => IndexState) => {
    for (;;) {
      const { number, state } = await read();
      if ((await numbered.follow(number, next(state))) !== undefined) return;
    }
  };

  return {
    load: onStateDisk(async () => (await read()).state),
    save: onStateDisk((next: IndexState) =>
      change((was) => ({ ...next, audit: [...(was?.audit ?? []), ...next.audit.slice(was?.audit.length ?? 0)] })),
    ),
    appendAudit: onStateDisk((entry: AuditEntry) =>
      change((was) => {
        if (was === undefined)
          throw new Refusal('state', `Index ${index} has no state yet to note a change in.`, { subject: 'state' });
        return { ...was, audit: [...was.audit, entry] };
      }),
    ),
  };
}
