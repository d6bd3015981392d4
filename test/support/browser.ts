import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Debian's package; CI installs it. */
const CHROMIUM = '/usr/bin/chromium';
/** Where pictures of pages go, to be looked at. */
export const PICTURES = 'node_modules/.cache/verbatim/pages';

/** How somebody looks at a page. */
export interface Looking {
  readonly name: string;
  readonly options: BrowserContextOptions;
}

const WIDE = { width: 1100, height: 900 };

export const LOOKS: readonly Looking[] = [
  { name: 'light', options: { colorScheme: 'light', viewport: WIDE } },
  { name: 'dark', options: { colorScheme: 'dark', viewport: WIDE } },
  { name: 'forced', options: { colorScheme: 'light', forcedColors: 'active', viewport: WIDE } },
  { name: 'narrow', options: { colorScheme: 'light', viewport: { width: 320, height: 800 } } },
];

export async function startBrowser(): Promise<Browser> {
  if (!existsSync(CHROMIUM)) throw new Error(`${CHROMIUM} is missing: apt-get install chromium`);
  await mkdir(PICTURES, { recursive: true });
  return chromium.launch({
    executablePath: CHROMIUM,
    // No sandbox within a container that is run as root.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
    timeout: 120_000,
  });
}

/** What axe-core finds wrong, by WCAG 2.2 AA and its own good practice; each with the elements. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  // Evaluated by the browser itself: what the page's own policy forbids its scripts is no obstacle.
  await page.evaluate(axe.source);
  const found: unknown = await page.evaluate(
    `axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target, failureSummary }) => target + ' ' + failureSummary).join('; ')))`,
  );
  return Array.isArray(found) ? found.map(String) : ['axe said nothing'];
}
