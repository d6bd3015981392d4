import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { UnverifiedDocument } from '../../bytes/unverified.ts';
import type { UnverifiedDocuments } from '../../mirror/package-index.ts';
import { INTEGRITY, JSON_TYPE } from '../../pypi/media-types.ts';
import { normalizeName } from '../../pypi/names.ts';
import { acceptsType } from '../../render/negotiate.ts';
import type { Exchange } from '../exchange.ts';
import { NO_ADDRESS, NOT_PROVENANCE } from '../reply/answers.ts';
import { replyProblem, replyUnverified } from '../reply/doors.ts';
import type { ResponsePolicy } from '../reply/headers.ts';
import type { Wait } from '../waiting.ts';

// Documents that nothing vouches for: what older tools still ask PyPI for beside pages and files.

const INTEGRITY_TYPES = [INTEGRITY, JSON_TYPE];

interface RelayAnswersOptions {
  readonly documents: UnverifiedDocuments | undefined;
  readonly policy: ResponsePolicy;
  readonly wait: Wait;
  /** Where clients reach this index, absolute and with a slash at the end; from the configuration, never from a request. */
  readonly base: () => string | undefined;
}

/** Answers for one index; `rest` are the decoded segments after the name of the route. */
export function relayAnswers({ documents: known, policy, wait, base }: RelayAnswersOptions) {
  const answer = async (
    exchange: Exchange,
    ask: (documents: UnverifiedDocuments, caller: Caller) => Promise<UnverifiedDocument>,
  ) => {
    const document = await wait(exchange, async () => ask(known ?? nowhere(), exchange.callerOf(policy.name)));
    if (!exchange.left) replyUnverified(exchange, policy, document);
  };

  return {
    /** `/pypi/NAME/json`, `/pypi/NAME/VERSION/json`; Dependabot asks by the name as it is written in a requirement. */
    legacyJson: async (exchange: Exchange, asked: string, version: string | undefined): Promise<void> => {
      const at = base();
      // A document whose links lead nowhere would be worse than none.
      if (known !== undefined && at === undefined) return replyProblem(exchange, policy, NO_ADDRESS);
      await answer(exchange, (documents, caller) => documents.legacyJson(projectOf(asked), version, at ?? '', caller));
    },
    /** PEP 740: `/integrity/PROJECT/VERSION/FILE/provenance`. */
    provenance: async (exchange: Exchange, [asked = '', version = '', filename = '']: readonly string[]) => {
      if (known !== undefined && !acceptsType(exchange.headers.accept, INTEGRITY_TYPES))
        return replyProblem(exchange, policy, NOT_PROVENANCE);
      await answer(exchange, (documents, caller) => documents.provenance(projectOf(asked), version, filename, caller));
    },
    /** PEP 825: `-variants.json` of which the page states no digest. */
    variants: (exchange: Exchange, [asked = '', , filename = '']: readonly string[]): Promise<void> =>
      answer(exchange, (documents, caller) => documents.variants(projectOf(asked), filename, caller)),
    /** `FILE.asc`, by the path of FILE. */
    signature: (exchange: Exchange, path: string): Promise<void> =>
      answer(exchange, (documents, caller) => documents.signature(path, caller)),
  };
}

function projectOf(asked: string): string {
  return normalizeName(asked) ?? nowhere();
}

function nowhere(): never {
  throw new Refusal('unlisted', 'There is no such document here.', { subject: 'request' });
}
