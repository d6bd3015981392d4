import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import type { Caller } from '../../async/caller.ts';
import { isFileName, isNormalized, normalizeName, projectCandidates } from '../../pypi/names.ts';
import type { Shown } from '../../web/shown.ts';
import { type Address, holderOf } from '../address.ts';
import type { Exchange } from '../exchange.ts';
import { NOTHING_HERE } from '../reply/answers.ts';
import { replyError, replyProblem, replyRedirect, replyShown } from '../reply/doors.ts';
import { type Target, valueIn } from '../target.ts';
import type { Env } from './routes.ts';

/** Where a page stands: `root` is from it to where the mirror begins, relative, since a proxy in front may have taken a prefix away. */
interface Placed {
  readonly root: string;
  readonly index: string;
}

export interface AskedProject extends Placed {
  readonly project: string;
  readonly page: number;
  /** Whose credentials came with it: `user NAME` or `token NAME`. */
  readonly reader: string | undefined;
}

/** What people are shown: what is known already. Nobody is asked for more because somebody looks. Each throws Refusal. */
export interface PeoplePages {
  /** How all of it stands, or one index. */
  overview(root: string, index?: string): Promise<Shown>;
  /** `project` is a normalized name; `page` of its files, from 1 on. */
  project(asked: AskedProject, caller: Caller): Promise<Shown>;
  /** Why a file, or a project, is believed. */
  why(asked: Placed & { readonly name: string }, caller: Caller): Promise<Shown>;
  /** What was refused and what upstream changed, of all indexes where none is named. */
  events(asked: { readonly root: string; readonly index: string | undefined; readonly page: number }): Promise<Shown>;
  /** What rules are in force, what they hold back, and what was asked for in vain; of all indexes where none is named. */
  policy(asked: { readonly root: string; readonly index: string | undefined }): Promise<Shown>;
  search(asked: Placed & { readonly query: string }): Promise<Shown>;
  /** Whether what this mirror promises holds; its JSON is the one that monitors are given. */
  health(root: string): Promise<Shown>;
}

interface Laying {
  readonly addresses: readonly Address[];
  readonly onFault: (error: unknown) => void;
}

/** Answers, or gives what is to be shown. */
type Handle = (exchange: Exchange, target: Target) => Promise<Shown | undefined> | undefined;
type Get = (path: string, handle: Handle) => void;

/** Pages for people, of all indexes and of each. */
export function layPeople(app: Hono<Env>, people: PeoplePages, { addresses, onFault }: Laying): void {
  const get: Get = (path, handle) => {
    app.get(path, async ({ env: { asked } }) => {
      const { exchange, target } = asked;
      exchange.notes.route = 'home';
      try {
        const shown = await handle(exchange, target);
        if (shown !== undefined && !exchange.left) replyShown(exchange, shown);
      } catch (error) {
        if (!exchange.left && replyError(exchange, undefined, error)) onFault(error);
      }
      return RESPONSE_ALREADY_SENT;
    });
  };
  get('/', () => people.overview('./'));
  get('/events', (_, target) => people.events({ root: './', index: undefined, page: pageOf(target) }));
  get('/policy', () => people.policy({ root: './', index: undefined }));
  for (const address of addresses)
    for (const prefix of address.prefixes)
      if (address.members.length > 1) layCombined(get, address, prefix);
      else layIndex(get, people, address.name, prefix);
}

function layIndex(get: Get, people: PeoplePages, index: string, prefix: string): void {
  const to = (location: string) => (exchange: Exchange) => void replyRedirect(exchange, undefined, location);
  const depth = prefix.split('/').length - 1;
  if (prefix !== '') {
    get(prefix, to(`${prefix.split('/').at(-1)}/`));
    get(`${prefix}/`, (_, { path }) => people.overview(rootOf(path), index));
    get(`${prefix}/events`, (_, target) => people.events({ root: rootOf(target.path), index, page: pageOf(target) }));
    get(`${prefix}/policy`, (_, { path }) => people.policy({ root: rootOf(path), index }));
  }
  get(`${prefix}/project`, to('project/'));
  get(`${prefix}/project/`, (_, { path, query }) =>
    people.search({ root: rootOf(path), index, query: valueIn(query, 'q') ?? '' }),
  );
  const project: Handle = (exchange, target) => {
    const asked = target.segments[depth + 1] ?? '';
    const name = normalizeName(asked);
    const slash = target.path.endsWith('/');
    if (name === undefined) return void replyProblem(exchange, undefined, NOTHING_HERE);
    if (!slash || !isNormalized(asked))
      return void replyRedirect(exchange, undefined, slash ? `../${name}/` : `${name}/`);
    const at = { root: rootOf(target.path), index, project: name, page: pageOf(target), reader: exchange.reader };
    return people.project(at, exchange.callerOf(index));
  };
  get(`${prefix}/project/:project`, project);
  get(`${prefix}/project/:project/`, project);
  get(`${prefix}/why/:name`, (exchange, { path, segments }) => {
    const name = segments[depth + 1] ?? '';
    if (!isFileName(name) && normalizeName(name) === undefined)
      return void replyProblem(exchange, undefined, NOTHING_HERE);
    return people.why({ root: rootOf(path), index, name }, exchange.callerOf(index));
  });
  if (prefix === DEVPI) layDevpi(get);
}

/** Of an address over several indexes: what people are shown is at the member that answers, under its own name. */
function layCombined(get: Get, address: Address, prefix: string): void {
  const depth = prefix.split('/').length - 1;
  const home: Handle = (exchange, { path }) => void replyRedirect(exchange, undefined, rootOf(path));
  if (prefix !== '') {
    for (const at of [prefix, `${prefix}/`]) get(at, home);
    for (const at of ['events', 'policy'])
      get(`${prefix}/${at}`, (exchange, { path }) => void replyRedirect(exchange, undefined, `${rootOf(path)}${at}`));
  }
  for (const at of [`${prefix}/project`, `${prefix}/project/`]) get(at, home);
  const to = async (exchange: Exchange, path: string, projects: readonly string[], below: string) => {
    let first: string | undefined;
    for (const project of projects) {
      const members = address.membersFor(project);
      const holder = await holderOf(members, exchange, project);
      const at = holder ?? members.find(({ index }) => !index.isAbsent(project)) ?? members.at(-1);
      first ??= at?.policy.name;
      if (holder === undefined) continue;
      first = holder.policy.name;
      break;
    }
    if (!exchange.left) replyRedirect(exchange, undefined, `${rootOf(path)}${first}/${below}`);
    return undefined;
  };
  const project: Handle = (exchange, { path, segments }) => {
    const name = normalizeName(segments[depth + 1] ?? '');
    if (name === undefined) return void replyProblem(exchange, undefined, NOTHING_HERE);
    return to(exchange, path, [name], `project/${name}/`);
  };
  get(`${prefix}/project/:project`, project);
  get(`${prefix}/project/:project/`, project);
  get(`${prefix}/why/:name`, (exchange, { path, segments }) => {
    const name = segments[depth + 1] ?? '';
    const own = normalizeName(name);
    const projects = [...(isFileName(name) ? projectCandidates(name) : []), ...(own === undefined ? [] : [own])];
    if (projects.length === 0) return void replyProblem(exchange, undefined, NOTHING_HERE);
    return to(exchange, path, projects, `why/${encodeURIComponent(name)}`);
  });
  if (prefix === DEVPI) layDevpi(get);
}

const DEVPI = '/root/pypi';
/** What an address below an index means already. */
const NO_PROJECTS: ReadonlySet<string> = new Set(
  'simple packages files pypi tuf integrity project why events policy'.split(' '),
);

/** Where devpi has a project, and one of its versions. */
function layDevpi(get: Get): void {
  for (const [path, up] of [
    [`${DEVPI}/:project`, ''],
    [`${DEVPI}/:project/`, '../'],
    [`${DEVPI}/:project/:version`, '../'],
    [`${DEVPI}/:project/:version/`, '../../'],
  ] as const)
    get(path, (exchange, { segments }) => {
      const name = normalizeName(segments[2] ?? '');
      if (name === undefined || NO_PROJECTS.has(name)) return void replyProblem(exchange, undefined, NOTHING_HERE);
      return void replyRedirect(exchange, undefined, `${up}project/${name}/`);
    });
}

function rootOf(path: string): string {
  return '../'.repeat(path.split('/').length - 2) || './';
}

/** From 1 on; whatever is no number is the first. */
function pageOf({ query }: Target): number {
  const text = valueIn(query, 'page') ?? '';
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1;
}
