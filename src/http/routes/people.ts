import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import type { Shown } from '../../web/shown.ts';
import type { Exchange } from '../exchange.ts';
import type { MountedIndex } from '../mount.ts';
import { replyError, replyRedirect, replyShown } from '../reply/doors.ts';
import type { Target } from '../target.ts';
import type { Env } from './routes.ts';

/** From a page to where the mirror begins, relative and ending in a slash: a proxy in front may have taken a prefix away. */
export type Root = string;

/** What people are shown: what is known already. Nobody is asked for more because somebody looks. */
export interface PeoplePages {
  /** How all of it stands, or one index. */
  overview(root: Root, index?: string): Promise<Shown>;
}

interface Laying {
  readonly mounted: readonly MountedIndex[];
  readonly onFault: (error: unknown) => void;
}

/** Pages for people, of all indexes and of each. */
export function layPeople(app: Hono<Env>, people: PeoplePages, { mounted, onFault }: Laying): void {
  const get = (path: string, handle: (exchange: Exchange, target: Target) => Promise<Shown | undefined>) =>
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
  get('/', () => people.overview('./'));
  for (const { index, prefixes } of mounted)
    for (const prefix of prefixes.filter((each) => each !== '')) {
      get(prefix, async (exchange) => void replyRedirect(exchange, undefined, `${prefix.split('/').at(-1)}/`));
      get(`${prefix}/`, (_, { path }) => people.overview(rootOf(path), index.name));
    }
}

function rootOf(path: string): Root {
  return '../'.repeat(path.split('/').length - 2) || './';
}
