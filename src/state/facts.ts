import { z } from 'zod';
import type { IndexFacts, Item, Known } from '../ports/index-state.ts';
import type { StateStorage } from '../ports/state-storage.ts';
import { encodeJson, parseJson } from './framed.ts';
import { type ItemKind, StoredItem } from './item.ts';
import { factsPath } from './paths.ts';

const AuditEntry = z.strictObject({ at: z.int(), action: z.string(), reason: z.string() });
const Facts = z.strictObject({
  evidence: z.enum(['tuf', 'index']),
  pinnedRootSha256: z.string().optional(),
  upstream: z.string().optional(),
  upstreamSince: z.int().optional(),
  createdAt: z.int(),
  beginsAgain: z.literal(true).optional(),
  audit: z.array(AuditEntry).readonly(),
});

/** Undefined for what is not an index's facts, to the letter. */
export function factsOf(state: unknown): IndexFacts | undefined {
  return Facts.safeParse(state).data;
}

const FACTS: ItemKind<IndexFacts> = {
  what: 'the evidence and the pinned root or upstream that the index was started with, and its audit trail',
  encode: encodeJson,
  decode: (bytes) => factsOf(parseJson(bytes)),
};

export function createFacts(storage: StateStorage, index: string): Item<IndexFacts> {
  const item = new StoredItem({ storage, path: factsPath(index), kind: FACTS });
  return {
    read: () => item.read(),
    version: () => item.version(),
    change: (next) => item.change((was) => keepingAudit(was, next(was))),
  };
}

/** The audit trail only grows: whatever is written begins with all that was there. */
function keepingAudit(was: Known<IndexFacts> | undefined, next: IndexFacts | undefined): IndexFacts | undefined {
  if (next === undefined || was === undefined) return next;
  const { audit } = was.value;
  const whole = audit.every(({ at, action, reason }, place) => {
    const entry = next.audit[place];
    return entry?.at === at && entry.action === action && entry.reason === reason;
  });
  return whole ? next : { ...next, audit: [...audit, ...next.audit.slice(audit.length)] };
}
