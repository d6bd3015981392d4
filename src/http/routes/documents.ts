import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { UnverifiedDocument } from '../../bytes/unverified.ts';
import type { UnverifiedDocuments } from '../../mirror/package-index.ts';
import { INTEGRITY, JSON_TYPE } from '../../pypi/media-types.ts';
import { normalizeName, projectCandidates } from '../../pypi/names.ts';
import { acceptsType } from '../../render/negotiate.ts';
import { type Address, type Answered, asking, ofProjects, ownerOf } from '../address.ts';
import type { Exchange } from '../exchange.ts';
import type { MountedIndex } from '../mount.ts';
import { NO_ADDRESS, NOT_PROVENANCE } from '../reply/answers.ts';
import { replyProblem, replyUnverified } from '../reply/doors.ts';
import type { Wait } from '../waiting.ts';

// Documents that nothing vouches for: what older tools still ask PyPI for beside pages and files.

const INTEGRITY_TYPES = [INTEGRITY, JSON_TYPE];

interface RelayAnswersOptions {
  readonly address: Address;
  readonly wait: Wait;
  /** Where clients reach this address, absolute and with a slash at the end; from the configuration, never from a request. */
  readonly base: () => string | undefined;
}

type Ask = (documents: UnverifiedDocuments, caller: Caller) => Promise<UnverifiedDocument>;

/** Answers under one address; `rest` are the decoded segments after the name of the route. */
export function relayAnswers({ address, wait, base }: RelayAnswersOptions) {
  const isKnown = address.members.some(({ index }) => index.unverified !== undefined);
  const of = async (exchange: Exchange, by: MountedIndex, ask: Ask) =>
    ask(by.index.unverified ?? nowhere(), asking(exchange, by));
  const reply = async (exchange: Exchange, found: () => Promise<Answered<UnverifiedDocument>>) => {
    const { by, found: document } = await wait(exchange, found);
    if (!exchange.left) replyUnverified(exchange, by.policy, document);
  };
  const answer = (exchange: Exchange, project: string, ask: Ask) =>
    reply(exchange, async () => {
      const by = await ownerOf(address, exchange, project);
      return { by, found: await of(exchange, by, ask) };
    });

  return {
    /** `/pypi/NAME/json`, `/pypi/NAME/VERSION/json`; Dependabot asks by the name as it is written in a requirement. */
    legacyJson: async (exchange: Exchange, asked: string, version: string | undefined): Promise<void> => {
      const at = base();
      // A document whose links lead nowhere would be worse than none.
      if (isKnown && at === undefined) return replyProblem(exchange, address.policy, NO_ADDRESS);
      const project = projectOf(asked);
      await answer(exchange, project, (documents, caller) => documents.legacyJson(project, version, at ?? '', caller));
    },
    /** PEP 740: `/integrity/PROJECT/VERSION/FILE/provenance`. */
    provenance: async (exchange: Exchange, [asked = '', version = '', filename = '']: readonly string[]) => {
      if (isKnown && !acceptsType(exchange.headers.accept, INTEGRITY_TYPES))
        return replyProblem(exchange, address.policy, NOT_PROVENANCE);
      const project = projectOf(asked);
      await answer(exchange, project, (documents, caller) => documents.provenance(project, version, filename, caller));
    },
    /** PEP 825: `-variants.json` of which the page states no digest. */
    variants: async (exchange: Exchange, [asked = '', , filename = '']: readonly string[]): Promise<void> => {
      const project = projectOf(asked);
      await answer(exchange, project, (documents, caller) => documents.variants(project, filename, caller));
    },
    /** `FILE.asc`, by the path of FILE. Of several indexes each is asked for its own project alone. */
    signature: (exchange: Exchange, path: string): Promise<void> =>
      reply(exchange, async () => {
        const [only, ...others] = address.members;
        if (only !== undefined && others.length === 0)
          return {
            by: only,
            found: await of(exchange, only, (documents, caller) => documents.signature(path, caller)),
          };
        const projects = projectCandidates(path.slice(path.lastIndexOf('/') + 1));
        return ofProjects(address, exchange, projects, (by, project) =>
          of(exchange, by, (documents, caller) => documents.signature(path, caller, project)),
        );
      }),
  };
}

function projectOf(asked: string): string {
  return normalizeName(asked) ?? nowhere();
}

function nowhere(): never {
  throw new Refusal('unlisted', 'There is no such document here.', { subject: 'request' });
}
