import { type Reason, Refusal } from '../../bytes/refusal.ts';
import type { Entry } from '../format/model.ts';
import { decodePins, MOST_PUBLISHERS_BYTES, type PinnedProject } from '../format/publishers.ts';
import { UNSIGNED } from './beside.ts';
import type { Judged } from './judge.ts';
import type { ImportPlace } from './place.ts';

/** What is known here of one project that a bundle names publishers of. `conflict`: somebody else is known, and stays. */
export interface ComparedProject {
  readonly project: string;
  readonly result: 'new' | 'same' | 'conflict';
  /** For people. */
  readonly known: string;
  readonly given: string;
}

/** Where an index remembers whom files are expected from. */
export interface PublishersPlace {
  /** Takes those of projects of which nobody is known; who is known stays, and is told. `by`: whose key signed them. Throws Refusal. */
  take(projects: readonly PinnedProject[], by: string): Promise<readonly ComparedProject[]>;
}

/** What became of the publishers that a bundle names. */
export interface PublishersTold {
  readonly became: 'taken' | 'left' | 'untried';
  /** Of what is left. */
  readonly reason: Reason | undefined;
  readonly why: string | undefined;
  /** Projects of which nobody was known. */
  readonly taken: readonly string[];
  /** Of how many the same is known. */
  readonly same: number;
  /** Where somebody else is known here. */
  readonly conflicts: readonly ComparedProject[];
}

/** Takes them once the bundle is in force. What is wrong with them takes nothing from the rest. */
export async function takePublishers(
  place: ImportPlace,
  judged: Judged,
  entry: Entry,
  isNewest: boolean,
): Promise<PublishersTold> {
  const { key } = judged;
  if (key === undefined) return left('policy', UNSIGNED);
  if (judged.bundle.header.index.evidence === 'tuf') return left('policy', SIGNED_INDEX);
  if (!isNewest) return left('rollback', 'a later bundle was imported');
  try {
    const document = await place.store.content(entry);
    if (document === undefined) return left('state', 'they are not here any more');
    const projects = decodePins(await document.bytes(MOST_PUBLISHERS_BYTES), 'What the bundle says of them');
    return told('taken', await place.publishers.take(projects, key.name));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return left(error.reason, error.message);
  }
}

/** The same as far as it can be told without storing anything. */
export function rehearsedPublishers(judged: Judged): PublishersTold {
  if (judged.key === undefined) return left('policy', UNSIGNED);
  return judged.bundle.header.index.evidence === 'tuf' ? left('policy', SIGNED_INDEX) : told('untried', []);
}

const SIGNED_INDEX = 'an index that is signed has no place for provenance';

function told(became: PublishersTold['became'], compared: readonly ComparedProject[]): PublishersTold {
  return {
    became,
    reason: undefined,
    why: undefined,
    taken: compared.flatMap(({ project, result }) => (result === 'new' ? [project] : [])),
    same: compared.filter(({ result }) => result === 'same').length,
    conflicts: compared.filter(({ result }) => result === 'conflict'),
  };
}

function left(reason: Reason, why: string): PublishersTold {
  return { ...told('left', []), reason, why };
}
