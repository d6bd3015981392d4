import type { Page } from '../pypi/page.ts';

/** The project list, or Refusal `policy` where it is turned off. */
export type IndexList = () => Promise<Page>;
