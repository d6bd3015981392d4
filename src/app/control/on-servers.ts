import type { z } from 'zod';
import type { Config } from '../../config/config.ts';
import { type Server, serversOn } from './connect.ts';
import { Adopted, type AdoptRequest, Followed, type FollowRequest, Retained } from './requests.ts';

/** What takes upstream's answer is waited for so long. Milliseconds. */
const ACT_MS = 15 * 60_000;
const AT_ONCE = 1000;

/** What came of an act on the servers of a data directory. */
export interface Acted<T> {
  readonly answer: T;
  /** Words of servers that could not be told. */
  readonly untold: readonly string[];
}

/**
 * Has one of the servers of the data directory do it; what they have in memory of the projects that it changed, all others give up.
 * Undefined where no server runs. Throws Refusal.
 */
export async function onServers<T>(
  { data }: Pick<Config, 'data'>,
  name: string,
  about: unknown,
  schema: z.ZodType<T>,
  changed: (answer: T) => FollowRequest | undefined = () => undefined,
): Promise<Acted<T> | undefined> {
  const [first, ...others] = await serversOn(data);
  if (first === undefined) return undefined;
  const answer = await first.ask(name, about, schema, ACT_MS);
  const follow = changed(answer);
  return { answer, untold: follow === undefined ? [] : await tellServers(others, follow) };
}

/** Has every server of the data directory believe what was imported, and give up what it has in memory of the projects that it says more of. Words of those that could not be told. */
export async function tellOfImport(
  { data }: Pick<Config, 'data'>,
  about: AdoptRequest,
  changed: FollowRequest,
): Promise<readonly string[]> {
  const servers = await serversOn(data);
  const untold: string[] = [];
  for (const server of servers)
    await server
      .ask('adopt', about, Adopted, ACT_MS)
      .catch((error: unknown) => untold.push(error instanceof Error ? error.message : String(error)));
  return [...untold, ...(await tellServers(servers, changed))];
}

/** Has every server of the data directory look at what is to be spared from eviction. Words of those that could not be told; never throws. */
export async function tellToRetain({ data }: Pick<Config, 'data'>): Promise<readonly string[]> {
  const untold: string[] = [];
  const told = (error: unknown) => void untold.push(error instanceof Error ? error.message : String(error));
  const servers = await serversOn(data).catch((error: unknown) => {
    told(error);
    return [];
  });
  for (const server of servers) await server.ask('retain', {}, Retained, ACT_MS).catch(told);
  return untold;
}

/** Memory of these projects is given up by each; words of servers that could not be told. */
export async function tellServers(
  servers: readonly Server[],
  { index, projects }: FollowRequest,
): Promise<readonly string[]> {
  const untold: string[] = [];
  for (const server of servers)
    for (let at = 0; at < projects.length; at += AT_ONCE)
      await server
        .ask('follow', { index, projects: projects.slice(at, at + AT_ONCE) }, Followed)
        .catch((error: unknown) => untold.push(error instanceof Error ? error.message : String(error)));
  return untold;
}
