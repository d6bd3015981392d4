import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { contentPath } from '../../bytes/content-path.ts';
import { Refusal, type Subject } from '../../bytes/refusal.ts';
import type { FileAddress } from '../../mirror/package-index.ts';
import type { Route } from '../../ports/events.ts';
import { isNormalized, isVariants, normalizeName } from '../../pypi/names.ts';
import { UNPROVED } from '../../pypi/relink.ts';
import { type Address, asking, fileOf, pageOf, policyOf } from '../address.ts';
import type { Exchange, OnRefused, OnSent } from '../exchange.ts';
import type { ReadIndex } from '../mount.ts';
import { SIGNED_ELSEWHERE } from '../reply/answers.ts';
import { replyDocument, replyError, replyOptions, replyProblem, replyRedirect } from '../reply/doors.ts';
import type { Target } from '../target.ts';
import type { Wait } from '../waiting.ts';
import { relayAnswers } from './documents.ts';
import { answerFile, type IsImmutable } from './files.ts';
import { answerPage } from './pages.ts';

/** What a route is handed: the exchange, and its target taken apart. Hono sees the raw path and nothing else. */
export interface Asked {
  readonly exchange: Exchange;
  readonly target: Target;
}

export interface Env {
  Bindings: { readonly asked: Asked };
}

export interface RouteDeps {
  readonly wait: Wait;
  /** Where clients reach this mirror; undefined where it cannot be told. */
  readonly publicUrl: () => string | undefined;
  /** An error that is no refusal: a defect, for the log. */
  readonly onFault: (error: unknown) => void;
  readonly onSent: OnSent;
  readonly onRefused: OnRefused;
}

const ALWAYS: IsImmutable = () => true;
const NEVER: IsImmutable = () => false;
const SIGNATURE = '.asc';

/** One address under one prefix, while its routes are laid. `rest` are the decoded segments after the prefix. */
interface Laying extends RouteDeps {
  readonly routes: Hono<Env>;
  readonly address: Address;
  readonly unverified: ReturnType<typeof relayAnswers>;
  on(
    route: Route,
    handle: (asked: Asked, rest: readonly string[]) => Promise<void> | void,
  ): (context: { readonly env: Env['Bindings'] }) => Promise<Response>;
}

/** The subtree of one address under one prefix. */
export function addressRoutes(address: Address, prefix: string, deps: RouteDeps): Hono<Env> {
  const { name, policy } = address;
  const depth = prefix.split('/').length - 1;
  const routes = new Hono<Env>();
  const laying: Laying = {
    ...deps,
    routes,
    address,
    unverified: relayAnswers({
      address,
      wait: deps.wait,
      base() {
        const at = deps.publicUrl();
        return at === undefined ? undefined : `${at.replace(/\/+$/, '')}${prefix}/`;
      },
    }),
    on:
      (route, handle) =>
      async ({ env: { asked } }) => {
        const { exchange, target } = asked;
        exchange.notes.route = route;
        exchange.notes.index = name;
        try {
          await handle(asked, target.segments.slice(depth));
        } catch (error) {
          // Whoever left is told nothing, and that its work was given up is no fault.
          if (exchange.left) return RESPONSE_ALREADY_SENT;
          const policy = policyOf(address, exchange.notes.index);
          if (replyError(exchange, policy, error)) deps.onFault(error);
          noteRuled(exchange, policy.name, error, deps.onRefused);
        }
        return RESPONSE_ALREADY_SENT;
      },
  };
  layPages(laying);
  layUnverified(laying);
  layFiles(laying);
  laySigned(laying);
  routes.options(
    '*',
    laying.on('options', ({ exchange }) => replyOptions(exchange, policy)),
  );
  return routes;
}

/** What a rule refuses is asked for by somebody who may ask an operator for it next; what it cannot say now, by nobody. */
function noteRuled({ client, reader }: Exchange, index: string, error: unknown, onRefused: OnRefused): void {
  if (!(error instanceof Refusal) || error.ruled === undefined || error.transient) return;
  onRefused({ ...error.ruled, index, sentence: error.message, client, reader });
}

/** The project list and the project pages, under both names that installers are given. */
function layPages({ routes, address, on, wait }: Laying): void {
  const { name, policy, headersOf } = address;
  const list = on('list', async ({ exchange, target }) => {
    const found = await wait(exchange, () => address.list(exchange.callerOf(name)));
    if (!exchange.left) await answerPage(exchange, policy, found, headersOf, target.format);
  });
  const page = on('page', async ({ exchange, target }, rest) => {
    const asked = rest[1] ?? '';
    const project = normalizeName(asked);
    if (project === undefined) throw absent('page');
    const slash = target.path.endsWith('/');
    if (!slash || !isNormalized(asked))
      return replyRedirect(exchange, policy, slash ? `../${project}/` : `${project}/`);
    const { by, found } = await wait(exchange, () => pageOf(address, exchange, project));
    if (!exchange.left) await answerPage(exchange, by.policy, found, by.headersOf, target.format);
  });
  for (const simple of ['simple', '+simple']) {
    // Relative: a proxy in front may have taken a prefix away, and no header can name a host.
    const slash = on('list', ({ exchange }) => replyRedirect(exchange, policy, `${simple}/`));
    routes.get(`/${simple}`, slash).get(`/${simple}/`, list);
    routes.get(`/${simple}/:project`, page).get(`/${simple}/:project/`, page);
  }
}

/** Documents that nothing vouches for. */
function layUnverified({ routes, unverified, on }: Laying): void {
  // PyPI's own place for it, and those that tools make up which know only the address of simple/: pip-tools to 7.6.0
  // under simple/pypi/, after that beside simple/, as Renovate does, and under +simple/.
  for (const at of ['/pypi', '/simple/pypi', '/+simple/pypi', '/simple', '/+simple', '']) {
    const skip = at.split('/').length - 1;
    const json = on('relayed', ({ exchange }, rest) => {
      const [name = '', version] = rest.slice(skip, -1);
      return unverified.legacyJson(exchange, name, version);
    });
    routes.get(`${at}/:project/json`, json);
    if (at.endsWith('/pypi')) routes.get(`${at}/:project/:version/json`, json);
  }
  routes.get(
    '/integrity/:project/:version/:filename/provenance',
    on('relayed', ({ exchange }, rest) => unverified.provenance(exchange, rest.slice(1))),
  );
}

/** Files, by the path they have upstream or by their digest; each with its core metadata and its signature. */
function layFiles({ routes, address, unverified, on, wait, onSent }: Laying): void {
  const hasSignatures = address.members.some(({ index }) => index.unverified !== undefined);
  const file = (addressOf: (rest: readonly string[]) => FileAddress) =>
    on('file', async ({ exchange, target }, rest) => {
      if (target.path.endsWith('.metadata')) exchange.notes.route = 'core-metadata';
      if (target.escapedSlash) throw absent('file');
      if (hasSignatures && rest.at(-1)?.endsWith(SIGNATURE)) {
        exchange.notes.route = 'relayed';
        return unverified.signature(exchange, rest.join('/').slice(0, -SIGNATURE.length));
      }
      if (rest.length === 4 && rest[2] === UNPROVED) {
        return unverified.variants(exchange, rest.slice(1));
      }
      const at = addressOf(rest.slice(1));
      const { by, found } = await wait(exchange, () => fileOf(address, exchange, at));
      // A name's bytes are pinned here, and an operator may let them change; an address that holds their digest cannot. PEP 825:
      // what grows under its name may be asked for anew at any address.
      const isByName = 'path' in at && contentPath(at.path.split('/').slice(0, -1)) === undefined;
      const isImmutable = isByName || isVariants(found.filename) ? NEVER : ALWAYS;
      await answerFile(exchange, by.policy, found, { isImmutable, wait, elsewhere: by.elsewhere, onSent });
    });
  routes.get(
    '/packages/*',
    file((rest) => ({ path: rest.join('/') })),
  );
  routes.get(
    '/files/:project/:digest/:filename',
    file(([project = '', digest = '', filename = '']) => ({ project, digest, filename })),
  );
}

/** What upstream signed, for TUF clients behind this mirror. */
function laySigned({ routes, address, on, wait, onSent }: Laying): void {
  const [only, ...others] = address.members;
  if (only === undefined || others.length > 0) {
    // Metadata of several repositories under one root would be nobody's.
    routes.get(
      '/tuf/*',
      on('metadata', ({ exchange }) => replyProblem(exchange, address.policy, SIGNED_ELSEWHERE)),
    );
    return;
  }
  const { index, policy } = only;
  // A role's name is one segment, whatever it holds: TUF clients escape its slashes.
  const metadata = on('metadata', async ({ exchange }, [, , name = '']) => {
    const document = await wait(exchange, async () => signedOf(index).metadata(name, asking(exchange, only)));
    if (!exchange.left) replyDocument(exchange, policy, document);
  });
  routes.get('/tuf/metadata/:name', metadata);
  const target = on('target', async ({ exchange, target: { escapedSlash, path: sent } }, rest) => {
    if (escapedSlash) throw absent('target');
    const [path, asSent] = [rest.slice(2).join('/'), sent.slice(sent.indexOf(TARGETS) + TARGETS.length)];
    const found = await wait(exchange, async () => signedOf(index).target({ path, asSent }, asking(exchange, only)));
    // A plain name may come to mean other bytes; one that holds their digest cannot.
    const isImmutable: IsImmutable = (sha256) => sha256 !== undefined && path.includes(sha256);
    await answerFile(exchange, policy, found, { isImmutable, wait, onSent });
  });
  routes.get(`${TARGETS}*`, target);
}

const TARGETS = '/tuf/targets/';

function absent(subject: Subject): Refusal {
  return new Refusal('unlisted', 'Nothing of this name can be in an index.', { subject });
}

function signedOf({ signed }: ReadIndex): NonNullable<ReadIndex['signed']> {
  if (signed !== undefined) return signed;
  throw new Refusal('unlisted', 'This index signs nothing, so there is no signed metadata to pass on.', {
    subject: 'request',
  });
}
