import type { Event } from '../../ports/events.ts';
import type { Row } from '../event-row.ts';
import { oneOf } from '../labels.ts';

/** What rules say of pages. */
export const RULED: Row<Event<'ruled'>> = {
  counter: {
    name: 'verbatim_policy_changes_total',
    help: 'Times a rule of the policy came to say something else of a project page: reported, hidden or denied.',
    labels: { index: 'index', action: oneOf(['report', 'hide', 'deny']) },
    values: ({ index, action }) => [index, action],
  },
  word: 'policy',
  level: ({ files }) => (files === 0 ? 'info' : 'warn'),
  line: ({ index, project, rule, action, files, why }) => ({
    message:
      files === 0
        ? `the rule "${rule}" has nothing to say of ${project} any more`
        : `the rule "${rule}" ${{ report: 'reports', hide: 'hides', deny: 'denies' }[action]} ${files === 1 ? 'a file' : `${files} files`} of ${project}: ${why}`,
    fields: { index, name: project, rule, action, files },
  }),
};
