import type { Rule } from './rule.ts';

/** Nothing of a project that its index has quarantined (PEP 792) is offered, whatever its page still lists. */
export const quarantinedUpstream: Rule = {
  name: 'quarantined upstream',
  version: '1',
  first: true,
  page({ page: { name, projectStatus } }) {
    if (projectStatus?.status !== 'quarantined') return {};
    const why = projectStatus.reason === undefined ? '' : ` (${projectStatus.reason})`;
    return {
      others: {
        action: 'hide',
        sentence: (filename) => `The index has quarantined ${name}${why}, so ${filename} is not served.`,
      },
    };
  },
};
