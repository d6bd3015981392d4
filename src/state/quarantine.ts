import { z } from 'zod';
import type { Instant } from '../bytes/instant.ts';
import type { QuarantineEntry } from '../ports/policy.ts';
import { encodeJson, parseJson } from './framed.ts';
import type { ItemKind } from './item.ts';

const Entry = z.strictObject({ version: z.string().optional(), reason: z.string(), at: z.int() });
const Entries = z.strictObject({ entries: z.array(Entry).readonly() });

/** What of a project is in quarantine by an operator's word; none once all of it was lifted. */
export const QUARANTINE: ItemKind<readonly QuarantineEntry[]> = {
  what: 'what an operator keeps from being served',
  encode: (entries) => encodeJson({ entries }),
  decode: (bytes) => Entries.safeParse(parseJson(bytes)).data?.entries,
};

const Seen = z.strictObject({ since: z.int() });

/** That upstream had a project in quarantine: what it then removes is no less dangerous for that. */
export const SEEN_QUARANTINE: ItemKind<Instant> = {
  what: 'that upstream had a project in quarantine',
  encode: (since) => encodeJson({ since }),
  decode: (bytes) => Seen.safeParse(parseJson(bytes)).data?.since,
};
