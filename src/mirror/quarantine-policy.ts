import { Refusal } from '../bytes/refusal.ts';
import type { Allowed, Denied, Policy, Verdict } from '../ports/policy.ts';
import type { JudgedPage } from '../pypi/listing.ts';

const SERVE: Allowed = { action: 'serve' };
const NONE: ReadonlyMap<string, Verdict> = new Map();

/** PEP 792: nothing of a project that its index has quarantined is offered, whatever its page still lists. */
export const quarantinePolicy: Policy = {
  version: 'quarantine 1',
  name: () => SERVE,
  page: (listing) => ({
    files: NONE,
    others: listing.projectStatus?.status === 'quarantined' ? quarantined(listing) : SERVE,
  }),
  file: async () => SERVE,
};

function quarantined({ name, projectStatus }: JudgedPage): Denied {
  const why = projectStatus?.reason === undefined ? '' : ` (${projectStatus.reason})`;
  return {
    action: 'hide',
    rule: 'quarantined upstream',
    refusal: (filename) =>
      new Refusal('policy', `The index has quarantined ${name}${why}, so ${filename} is not served.`, {
        subject: 'file',
      }),
  };
}
