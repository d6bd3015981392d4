import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Blob } from '../../ports/blob.ts';
import type { Policy, Verdict } from '../../ports/policy.ts';
import { projectCandidates } from '../../pypi/names.ts';
import { isUnlisted } from '../absence.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import type { Reports } from '../projects/reports.ts';
import { METADATA } from './addresses.ts';
import type { OnceListed } from './once-listed.ts';

/**
 * For what is asked for by another way than its page: throws why the file of this name is not served, as its page would say. `blob`: its proved bytes, of
 * which what rules must know is found out.
 */
export type JudgeFile = (filename: string, caller: Caller, blob?: Blob) => Promise<void>;

const SERVE: Verdict = { action: 'serve' };

interface JudgeOptions {
  readonly pages: { get(project: string, caller: Caller): Promise<BelievedPage<unknown>> };
  readonly policy: Pick<Policy, 'unlisted' | 'file' | 'recall'>;
  readonly onceListed: Pick<OnceListed, 'of'>;
  readonly reports: Pick<Reports, 'stoodIn'>;
}

/**
 * What can be read as the file of several projects is judged by the first of them whose page lists it, or else by the likeliest. Where that page
 * cannot be had at this moment, what an operator said still holds, and that upstream's word is missing is told. What a page listed once is judged as if
 * it still did.
 */
export function judgeByName({ pages, policy, onceListed, reports }: JudgeOptions): JudgeFile {
  const read = (project: string, caller: Caller) =>
    pages.get(project, caller).catch((error: unknown) => {
      if (isUnlisted(error)) return undefined;
      if (!(error instanceof Refusal) || !(error.transient || error.reason === 'offline')) throw error;
      reports.stoodIn('file');
      return undefined;
    });
  return async (asked, caller, blob) => {
    const filename = asked.endsWith(METADATA) ? asked.slice(0, -METADATA.length) : asked;
    const candidates = projectCandidates(filename);
    for (const project of candidates) {
      const page = await read(project, caller);
      await policy.recall?.(project);
      const verdict = policy.unlisted(project, filename);
      const isDecided = page !== undefined || project === candidates[0];
      const refusal = page?.refusal(filename) ?? (verdict.action === 'serve' ? undefined : verdict.refusal(filename));
      if (isDecided && refusal?.reason === 'policy') throw refusal;
      const file = page?.listing.files.get(filename);
      if (file === undefined) {
        const once = (await onceListed.of(project, page?.listing)).verdictOn(filename);
        if (once !== undefined && once.action !== 'serve') throw once.refusal(filename);
        continue;
      }
      const learnt = blob === undefined || asked !== filename ? SERVE : await policy.file(project, file, blob, caller);
      if (learnt.action !== 'serve') throw learnt.refusal(filename);
      return;
    }
  };
}
