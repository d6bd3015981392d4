import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readUsers } from '../../src/http/access/access-list.ts';
import { hashPassword } from '../../src/http/access/passwords.ts';
import { type PeopleRig, startPeopleRig, wheel } from '../rigs/people-rig.ts';
import { axeFindings, LOOKS, PICTURES, startBrowser } from '../support/browser.ts';

// Who was sent a file is shown to auditors, and to nobody else.

const PASSWORD = 'a password of this test';
const as = (name: string) => ({ authorization: `Basic ${Buffer.from(`${name}:${PASSWORD}`).toString('base64')}` });
const ALPHA = wheel('alpha', '1.0');
const PAGE = '/project/alpha/';
const JSON_PAGE = { accept: 'application/json' };

let rig: PeopleRig;
beforeAll(async () => {
  const hash = await hashPassword(PASSWORD);
  const users = readUsers(`ann:${hash}\nbob:${hash}\ncy:${hash}`, 'users');
  rig = await startPeopleRig({
    readers: { users, tokens: [] },
    auditors: ['ann'],
    fill: (signed) => signed.upload('alpha', ALPHA, wheel('alpha', '2.0')),
  });
  for (const name of ['bob', 'cy']) {
    const { status } = await rig.get(`/${rig.signed.filePath(ALPHA)}`, { headers: as(name) });
    expect(status).toBe(200);
  }
}, 180_000);
afterAll(() => rig.close());

const viewOf = async (name: string) => {
  const { status, body } = await rig.get(PAGE, { headers: { ...as(name), ...JSON_PAGE } });
  return { status, view: JSON.parse(body.toString()) };
};

describe('the page of a project', () => {
  it('says to an auditor who was sent each file, when and how often, as HTML and as JSON', async () => {
    const { view } = await viewOf('ann');
    expect(view.sent).toMatchObject({ count: 2 });
    const lines: readonly { readonly reader: string; readonly count: number }[] = view.sent.lines;
    expect(new Set(lines.map(({ reader, count }) => `${reader} ${count}`))).toEqual(
      new Set(['user bob 1', 'user cy 1']),
    );
    for (const line of lines) expect(line).toMatchObject({ file: ALPHA.filename, client: '127.0.0.1' });
    const { body, headers } = await rig.get(PAGE, { headers: { ...as('ann'), accept: 'text/html' } });
    expect(body.toString()).toContain('user bob');
    expect(headers['cache-control']).toBe('no-store');
  });

  it('says nothing of that to anybody else', async () => {
    const { status, view } = await viewOf('bob');
    expect([status, 'sent' in view]).toEqual([200, false]);
    const { body } = await rig.get(PAGE, { headers: { ...as('bob'), accept: 'text/html' } });
    for (const told of ['user cy', 'Who was sent it', 'pages.auditors']) expect(body.toString()).not.toContain(told);
    expect((await rig.get(PAGE)).status).toBe(401);
  });

  it('looks to an auditor as other pages do: without a fault that axe-core finds, in every look', async () => {
    const browser = await startBrowser();
    try {
      for (const { name, options } of LOOKS) {
        const context = await browser.newContext({ ...options, extraHTTPHeaders: as('ann') });
        const tab = await context.newPage();
        await tab.goto(rig.url() + PAGE);
        expect(await tab.locator('h2', { hasText: 'Who was sent it' }).count(), name).toBe(1);
        expect(await axeFindings(tab), name).toEqual([]);
        expect(await tab.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} is too wide`).toBe(
          true,
        );
        await tab.screenshot({ path: `${PICTURES}/project-auditor-${name}.png`, fullPage: true });
        await context.close();
      }
    } finally {
      await browser.close();
    }
  }, 300_000);
});
