import { type Composition, compose } from '../app/compose.ts';
import { noEvents } from '../app/no-events.ts';
import type { Config } from '../config/config.ts';
import type { StoredRoles } from '../mirror/package-index.ts';
import { type VerifiedState, verifyState } from '../state/admin/verify-state.ts';
import { print, printJson, say } from './output.ts';

/** `verbatim verify`: proves the stored trust and every stored file again. True where everything held. */
export async function verify(config: Config, json: boolean): Promise<boolean> {
  // Composing proves the stored signatures again from the pinned root; what fails there is thrown.
  const composition = await compose({ config, emit: noEvents, reading: true });
  try {
    let said = 0;
    const { holds, ...found } = await findings(composition, ({ blobs, bytes }) => {
      if (json || blobs < said + PROGRESS_EVERY) return;
      said = blobs;
      say(`${blobs} files, ${(bytes / 1e6).toFixed(0)} MB proved so far`);
    });
    if (json) printJson({ ...found, delegated: found.delegated.map(({ index, roles }) => ({ index, ...roles })) });
    else printFindings(found);
    return holds;
  } finally {
    await composition.close();
  }
}

type ProvedFiles = Awaited<ReturnType<Composition['blobs']['verifyAll']>>;

interface Findings extends ProvedFiles {
  readonly states: readonly CheckedIndex[];
  /** Of every index that signs. */
  readonly delegated: readonly { readonly index: string; readonly roles: StoredRoles }[];
  /** Nothing of it is wrong. */
  readonly holds: boolean;
}

/** Proves again what lies in a data directory that was composed for reading; `onProgress`: files so far. */
export async function findings(
  composition: Composition,
  onProgress: Parameters<Composition['blobs']['verifyAll']>[0],
): Promise<Findings> {
  const files = await composition.blobs.verifyAll(onProgress);
  const states = await verifyStates(composition);
  const delegated: { readonly index: string; readonly roles: StoredRoles }[] = [];
  for (const index of composition.indexes) {
    const roles = await index.signed?.proveStoredRoles();
    if (roles !== undefined) delegated.push({ index: index.name, roles });
  }
  const wrong = [files, ...states, ...delegated.map(({ roles }) => roles)].flatMap((each) => [...each.wrong]);
  return { ...files, states, delegated, holds: wrong.length === 0 };
}

function printFindings({ states, delegated, ...files }: Omit<Findings, 'holds'>): void {
  for (const { index, roles } of delegated) printRoles(index, roles);
  for (const state of states) printState(state);
  print(
    `${files.blobs} stored files read (${(files.bytes / 1e6).toFixed(1)} MB): ${files.wrong.length} are not what they were.`,
  );
  for (const sha256 of files.wrong) print(`  does not hold: sha256 ${sha256}`);
  if (files.wrong.length > 0)
    print('None of these is sent: the mirror sets each aside, fetches and proves it again when it is next asked for.');
}

type CheckedIndex = VerifiedState & { readonly index: string };

/** Of every index that signs nothing. */
async function verifyStates({ indexes, states }: Composition): Promise<readonly CheckedIndex[]> {
  const checked: CheckedIndex[] = [];
  for (const { name, evidence } of indexes) {
    const state = states.get(name);
    if (evidence === 'index' && state !== undefined) checked.push({ index: name, ...(await verifyState(state)) });
  }
  return checked;
}

function printState({ index, items, wrong }: CheckedIndex): void {
  print(`${index}: signs nothing; its files are proved by the digests they are stored under.`);
  print(`${index}: ${items} pieces of what was seen of it are stored (pages, pins): ${wrong.length} do not hold.`);
  for (const { item, message } of wrong) print(`  does not hold: ${item}: ${message}`);
}

function printRoles(index: string, roles: StoredRoles): void {
  const { proved, unproved, wrong } = roles;
  print(`${index}: root, timestamp, snapshot and targets hold, from the pinned root on.`);
  print(`${index}: ${proved + unproved + wrong.length} delegated roles are stored: ${wrong.length} did not hold.`);
  for (const { role, version, message } of wrong) print(`  does not hold: ${role}, version ${version}: ${message}`);
  if (wrong.length > 0)
    print('None of these is believed or sent; they are fetched and proved again when next asked for.');
  if (unproved > 0)
    print(`  ${unproved} of them cannot be judged: expired, or without the role that vouches for them.`);
}

const PROGRESS_EVERY = 500;
