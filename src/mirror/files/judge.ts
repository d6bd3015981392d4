import type { Caller } from '../../async/caller.ts';
import { Refusal } from '../../bytes/refusal.ts';
import type { Policy } from '../../ports/policy.ts';
import { projectCandidates } from '../../pypi/names.ts';
import { isUnlisted } from '../absence.ts';
import type { BelievedPage } from '../projects/believed-page.ts';
import type { Reports } from '../projects/reports.ts';
import { METADATA } from './addresses.ts';

/** For what is asked for by another way than its page: throws why the file of this name is not served, as its page would say. */
export type JudgeFile = (filename: string, caller: Caller) => Promise<void>;

interface JudgeOptions {
  readonly pages: { get(project: string, caller: Caller): Promise<BelievedPage<unknown>> };
  readonly policy: Pick<Policy, 'unlisted'>;
  readonly reports: Pick<Reports, 'stoodIn'>;
}

/**
 * What can be read as the file of several projects is judged by the first of them whose page lists it, or else by the likeliest. Where that page
 * cannot be had at this moment, what an operator said still holds, and that upstream's word is missing is told.
 */
export function judgeByName({ pages, policy, reports }: JudgeOptions): JudgeFile {
  const read = (project: string, caller: Caller) =>
    pages.get(project, caller).catch((error: unknown) => {
      if (isUnlisted(error)) return undefined;
      if (!(error instanceof Refusal) || !(error.transient || error.reason === 'offline')) throw error;
      reports.stoodIn('file');
      return undefined;
    });
  return async (asked, caller) => {
    const filename = asked.endsWith(METADATA) ? asked.slice(0, -METADATA.length) : asked;
    const candidates = projectCandidates(filename);
    for (const project of candidates) {
      const page = await read(project, caller);
      const verdict = policy.unlisted(project, filename);
      const isDecided = page !== undefined || project === candidates[0];
      const refusal = page?.refusal(filename) ?? (verdict.action === 'serve' ? undefined : verdict.refusal(filename));
      if (isDecided && refusal?.reason === 'policy') throw refusal;
      if (page?.listing.files.has(filename) === true) return;
    }
  };
}
