import type { Caller } from '../async/caller.ts';
import { existing } from '../bytes/existing.ts';
import { Refusal } from '../bytes/refusal.ts';
import { type FileAddress, type FileAnswer, keptName, projectsAt, type ServedPage } from '../mirror/package-index.ts';
import type { Exchange } from './exchange.ts';
import { type MountedIndex, mount, type ServedIndex } from './mount.ts';
import { createPageHeaders, type PageHeadersOf, type ResponsePolicy } from './reply/headers.ts';

/** Several indexes under one name, each project one's alone. */
export interface CombinedIndexes {
  readonly name: string;
  /** Names of the indexes, in their order. */
  readonly of: readonly string[];
  /** Those that may have the project, in the order that they are asked in; at least one. */
  askedFor(project: string): readonly string[];
  /** What all of them list. */
  list(caller: Caller): Promise<ServedPage>;
}

/** What is served under one name: an index, or several. */
export interface Address {
  readonly name: string;
  /** Where its subtree lies: `''`, `/root/pypi`, `/NAME`. */
  readonly prefixes: readonly string[];
  readonly members: readonly MountedIndex[];
  /** Those that may have the project. The first of them that has it has it whole, and none behind it is asked. */
  membersFor(project: string): readonly MountedIndex[];
  list(caller: Caller): Promise<ServedPage>;
  /** Of its list, and of what is no member's answer. */
  readonly policy: ResponsePolicy;
  readonly headersOf: PageHeadersOf;
}

/** What a member answered with. */
export interface Answered<T> {
  readonly by: MountedIndex;
  readonly found: T;
}

/** Every index and every combination under its name, the default one also at the root and in devpi's place. */
export function addressesOf(
  indexes: readonly ServedIndex[],
  combined: readonly CombinedIndexes[],
  defaultIndex: string,
): readonly Address[] {
  const mounted = new Map(indexes.map((served) => [served.index.name, mount(served)]));
  const prefixes = (name: string) => (name === defaultIndex ? [`/${name}`, '/root/pypi', ''] : [`/${name}`]);
  return [
    ...[...mounted.values()].map((member) => ofOne(member, prefixes(member.policy.name))),
    ...combined.map((several) => ofSeveral(several, mounted, prefixes(several.name))),
  ];
}

function ofOne(member: MountedIndex, prefixes: readonly string[]): Address {
  const { index, policy, headersOf } = member;
  const members = [member];
  const list = (caller: Caller) => index.list(caller);
  return { name: policy.name, prefixes, members, membersFor: () => members, list, policy, headersOf };
}

function ofSeveral(
  several: CombinedIndexes,
  mounted: ReadonlyMap<string, MountedIndex>,
  prefixes: readonly string[],
): Address {
  const { name } = several;
  const memberOf = (each: string) => existing(mounted.get(each), `${name} is over an index that is not served`);
  const members = several.of.map(memberOf);
  const policies = members.map(({ policy }) => policy);
  const policy: ResponsePolicy = {
    name,
    evidence: 'none',
    cors: policies.every(({ cors }) => cors),
    storedBy: policies.every(({ storedBy }) => storedBy === 'public') ? 'public' : 'private',
    pageMaxAge: Math.min(...policies.map(({ pageMaxAge }) => pageMaxAge)),
    longestRetryAfter: Math.min(...policies.map(({ longestRetryAfter }) => longestRetryAfter)),
  };
  return {
    name,
    prefixes,
    members,
    membersFor: (project) => several.askedFor(project).map(memberOf),
    list: (caller) => several.list(caller),
    policy,
    headersOf: createPageHeaders(policy),
  };
}

/** By what an answer of this request is shaped: whoever was asked last, or the address itself. */
export function policyOf({ members, policy }: Address, asked: string | undefined): ResponsePolicy {
  return members.find((member) => member.policy.name === asked)?.policy ?? policy;
}

/** As whom a member is asked. From then on the answer is its own, whatever comes of it. */
export function asking(exchange: Exchange, { policy }: MountedIndex): Caller {
  exchange.notes.index = policy.name;
  return exchange.callerOf(policy.name);
}

/**
 * The page of the first member that has the project. Whatever a member refuses but absence is the answer, and so is that it had the project once: nobody behind
 * it is asked.
 */
export async function pageOf(address: Address, exchange: Exchange, project: string): Promise<Answered<ServedPage>> {
  const [last, ...before] = address.membersFor(project).toReversed();
  for (const by of before.toReversed()) {
    const found = await by.index.page(project, asking(exchange, by)).catch(provablyAbsent);
    if (found !== undefined) return { by, found };
    await refuseKept(by, project);
  }
  const by = existing(last, 'nobody is asked for a project');
  return { by, found: await by.index.page(project, asking(exchange, by)) };
}

/** The member whose project it is: the last one's where all before it have proved that they have none. Throws what a member refuses else. */
export async function ownerOf(address: Address, exchange: Exchange, project: string): Promise<MountedIndex> {
  const [last, ...before] = address.membersFor(project).toReversed();
  for (const by of before.toReversed()) {
    if (await by.index.has(project, asking(exchange, by))) return by;
    await refuseKept(by, project);
  }
  return existing(last, 'nobody is asked for a project');
}

/** A file of the project's owner. Of projects that its name may belong to each is asked of its own owner, by that name alone. */
export async function fileOf(address: Address, exchange: Exchange, at: FileAddress): Promise<Answered<FileAnswer>> {
  const [only, ...others] = address.members;
  if (only !== undefined && others.length === 0)
    return { by: only, found: await only.index.file(at, asking(exchange, only)) };
  return ofProjects(address, exchange, projectsAt(at), (by, project) =>
    by.index.file('path' in at ? { path: at.path, of: project } : at, asking(exchange, by)),
  );
}

/** What the owner of one of these projects answers with, the first that has it. Throws `unlisted` where none has. */
export async function ofProjects<T>(
  address: Address,
  exchange: Exchange,
  projects: readonly string[],
  ask: (by: MountedIndex, project: string) => Promise<T>,
): Promise<Answered<T>> {
  let absent: unknown = new Refusal('unlisted', 'No index has such a file.', { subject: 'file' });
  for (const project of await worthALook(address, exchange, projects)) {
    const by = await ownerOf(address, exchange, project);
    try {
      return { by, found: await ask(by, project) };
    } catch (error) {
      if (!isAbsence(error)) throw error;
      absent = error;
    }
  }
  throw absent;
}

/** Those held here, and the first of the others: a name that somebody made up costs one look, however many ways there are to read it. */
async function worthALook(
  address: Address,
  exchange: Exchange,
  projects: readonly string[],
): Promise<readonly string[]> {
  if (projects.length < 2) return projects;
  const held: string[] = [];
  let other: string | undefined;
  for (const project of projects) {
    const members = address.membersFor(project);
    if ((await holderOf(members, exchange, project)) !== undefined) held.push(project);
    else if (!members.every(({ index }) => index.isAbsent(project))) other ??= project;
  }
  return other === undefined ? held : [...held, other];
}

/** The first that holds a page of the project; nobody's upstream is asked. */
export async function holderOf(
  members: readonly MountedIndex[],
  exchange: Exchange,
  project: string,
): Promise<MountedIndex | undefined> {
  for (const by of members) if (await by.index.holds(project, exchange.callerOf(by.policy.name))) return by;
  return undefined;
}

/** A name does not change hands unseen: what was deleted where it was is anybody's to publish elsewhere. */
async function refuseKept({ index }: MountedIndex, project: string): Promise<void> {
  if (await index.isKept(project)) throw keptName(index.name, project);
}

function provablyAbsent(error: unknown): undefined {
  if (!isAbsence(error)) throw error;
}

function isAbsence(error: unknown): boolean {
  return error instanceof Refusal && error.reason === 'unlisted';
}
