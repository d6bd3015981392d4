import { Refusal } from '../bytes/refusal.ts';
import type { ProjectPage } from './project-page.ts';

/** A page of an unsigned index as it was read, with the serial it came with. */
export interface Sight {
  readonly page: ProjectPage;
  readonly serial: number | undefined;
}

/**
 * What a page must be beside well-formed. Refuses `foreign` for the page of another project, and `format` where
 * a page lists nothing, does not say for itself that it is one and does not look like one: a log-in page is none.
 */
export function refuseNoPage({ page }: Sight): void {
  if (page.files.length > 0) return;
  if (page.undeclared === true && page.odd?.includes('empty') !== true)
    throw new Refusal(
      'format',
      `What came for ${page.name} lists no file and does not say that it is a project page.`,
      {
        subject: 'page',
      },
    );
  if (page.leftOut.counts.has('foreign'))
    throw new Refusal('foreign', `The page for ${page.name} lists only files of other projects.`, { subject: 'page' });
}
