import type { Page } from '../../src/render/page.ts';

/** The page with every body at hand, each asked for once; small ones are compressed no sooner. */
export async function whole(page: Page): Promise<Page> {
  for (const format of ['json', 'html-v1'] as const)
    for (const coding of ['identity', 'gzip', 'zstd'] as const) await page.with({ format, coding });
  return page;
}
