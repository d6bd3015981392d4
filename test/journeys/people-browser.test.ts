import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type PeopleRig, startPeopleRig, wheel } from '../rigs/people-rig.ts';
import { axeFindings, LOOKS, PICTURES, startBrowser } from '../support/browser.ts';

const SIMPLE = { headers: { accept: 'application/vnd.pypi.simple.v1+json' } };
// A browser on a machine that has much else to do.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

/** Bytes of a page with everything that it needs. */
const MOST_BYTES = 30_000;

const ALPHA = wheel('alpha', '2.0');

let rig: PeopleRig;
let browser: Browser;

/** Every page, in the state that has most to show. */
const PAGES = (): readonly (readonly [name: string, path: string])[] => [
  ['overview', '/'],
  ['index', '/pypi-org/'],
  ['project-signed', '/project/alpha/'],
  ['project-unsigned', '/pypi-org/project/beta/'],
  ['project-missing', '/pypi-org/project/nobody/'],
  ['why-signed', `/why/${ALPHA.filename}`],
  ['why-unsigned', '/pypi-org/why/beta-1.0-py3-none-any.whl'],
  ['events', '/events'],
  ['search', '/pypi-org/project/?q=bet'],
  ['health', '/health'],
  ['policy', '/policy'],
  ['error', '/nowhere'],
];

beforeAll(async () => {
  rig = await startPeopleRig({
    linksBelow: 'https://packages.example/',
    conditions: () => [{ what: 'disk', index: '', thing: '', message: '' }],
    fill(signed, pypi) {
      for (const version of ['1.0', '1.1', '2.0']) signed.upload('alpha', wheel('alpha', version));
      for (const version of ['1.0', '1.1', '2.0']) pypi.upload('beta', wheel('beta', version));
      // Enough for several pages of long names.
      for (let at = 0; at < 60; at++)
        pypi.upload('beta', wheel('beta', `3.${at}`), {
          'requires-python': '>=3.9',
          ...(at % 7 === 0 && { yanked: 'broken' }),
        });
      pypi.upload('beta', wheel('beta', '4.0'), { hashes: { sha256: 'nonsense' } });
    },
  });
  await rig.get('/simple/alpha/', SIMPLE);
  const { body } = await rig.get('/pypi-org/simple/beta/', SIMPLE);
  const [{ url }] = JSON.parse(body.toString()).files;
  rig.pypi.files.fault('*', { kind: 'flip', at: 3 }, 2);
  await rig.refused(new URL(url, `${rig.url()}/pypi-org/simple/beta/`).pathname);
  browser = await startBrowser();
});
afterAll(async () => {
  await browser?.close();
  await rig?.close();
});

/** A page as somebody sees it, and everything that was asked for. */
async function opened<T>(
  path: string,
  options: BrowserContextOptions,
  look: (page: Page, asked: readonly string[]) => Promise<T>,
): Promise<T> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(rig.url() + path);
    return await look(page, asked);
  } finally {
    await context.close();
  }
}

describe.each(LOOKS)('a page in $name', ({ name, options }) => {
  it('has no fault that axe-core finds, and fits', async () => {
    for (const [page, path] of PAGES())
      await opened(path, options, async (tab) => {
        expect(await axeFindings(tab), page).toEqual([]);
        expect(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${page} is too wide`).toBe(
          true,
        );
        await tab.screenshot({ path: `${PICTURES}/${page}-${name}.png`, fullPage: true });
      });
  });
});

it('no page asks for anything but itself, runs a script, or breaks its own policy', async () => {
  for (const [name, path] of PAGES())
    await opened(path, { javaScriptEnabled: false }, async (page, asked) => {
      expect(
        asked.filter((url) => !url.startsWith('data:')),
        name,
      ).toEqual([rig.url() + path]);
      expect(await page.locator('h1').count(), name).toBe(1);
      expect(await page.locator('script').count(), name).toBe(0);
    });
  for (const [name, path] of PAGES()) {
    const context = await browser.newContext();
    const page = await context.newPage();
    const said: string[] = [];
    page.on('console', (message) => said.push(message.text()));
    await page.goto(rig.url() + path);
    // What the policy refuses, and nothing else, is told on the console; that an address is 404 or 503 as well.
    expect(
      said.filter((text) => !/status of (?:404|503)/.test(text)),
      name,
    ).toEqual([]);
    await context.close();
  }
});

it('no page is heavier than 30 KB', async () => {
  for (const [name, path] of PAGES()) {
    const { body } = await rig.get(path, { headers: { accept: 'text/html' } });
    expect(body.byteLength, name).toBeLessThan(MOST_BYTES);
  }
});

it('the keyboard goes past the header first, then through every link in order, and is never trapped', async () => {
  for (const [name, path] of PAGES())
    await opened(path, {}, async (page) => {
      const stops: string[] = [];
      const expected = Number(
        await page.evaluate(`document.querySelectorAll('a[href],input,select,button,summary').length`),
      );
      for (let at = 0; at <= expected; at++) {
        await page.keyboard.press('Tab');
        const stop = await page.evaluate(
          `(() => { const at = document.activeElement; if (at === document.body) return ''; const style = getComputedStyle(at); return at.tagName + ' ' + (at.getAttribute('href') ?? at.textContent.trim()) + (style.outlineStyle === 'none' ? ' NO FOCUS' : ''); })()`,
        );
        if (stop === '') break;
        stops.push(String(stop));
      }
      expect(stops[0], name).toBe('A #main');
      expect(stops.length, name).toBe(expected);
      expect(
        stops.filter((stop) => stop.endsWith('NO FOCUS')),
        name,
      ).toEqual([]);
    });
});

it('is printed without what can only be followed', async () => {
  await opened('/', {}, async (page) => {
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('header nav').isVisible()).toBe(false);
    expect(await page.locator('h1').isVisible()).toBe(true);
  });
});
