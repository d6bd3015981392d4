import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Condition } from '../../src/ports/conditions.ts';
import { type PeopleRig, startPeopleRig, wheel } from '../rigs/people-rig.ts';

const SIMPLE = { headers: { accept: 'application/vnd.pypi.simple.v1+json' } };
const BROWSER = { headers: { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' } };

let rig: PeopleRig;
let inForce: readonly Condition[] = [];
beforeAll(async () => {
  rig = await startPeopleRig({
    conditions: () => inForce,
    fill: (signed, pypi) => {
      signed.upload('alpha', wheel('alpha', '1.0'));
      pypi.upload('beta', wheel('beta', '1.0'));
    },
  });
  await rig.get('/simple/alpha/', SIMPLE);
});
afterAll(() => rig?.close());

/** The page as a browser gets it and the verdict as a monitor does, once both say so: a look is kept for two seconds. */
async function seen(holds: boolean, words: string) {
  const page = async () => {
    rig.clock.advance(1);
    const { status, body } = await rig.get('/health', BROWSER);
    return { status, text: body.toString() };
  };
  await expect.poll(async () => (await page()).text).toContain(words);
  const [{ status, text }, json] = [
    await page(),
    await rig.get('/health', { headers: { accept: 'application/json' } }),
  ];
  expect([status, json.status]).toEqual(holds ? [200, 200] : [503, 503]);
  return { text, json: JSON.parse(json.body.toString()) };
}

it('says in one sentence that the promise holds, and how each index stands', async () => {
  const { text, json } = await seen(true, '<h1>The promise holds.</h1>');
  expect(json).toMatchObject({ holds: true, findings: [], indexes: [{ name: 'main' }, { name: 'pypi-org' }] });
  expect(text).toMatch(/main<\/a>.*signed by its owners.*ago/);
  expect(text).toContain('not asked for since the start');
});

it('says what breaks no promise apart from what does', async () => {
  inForce = [{ what: 'disk', index: '', thing: '', message: 'as it is told to an operator' }];
  const { text, json } = await seen(true, 'The disk is nearly full:');
  expect(json.holds).toBe(true);
  expect(text).toMatch(/<h2>Besides<\/h2>.*The disk is nearly full:.*Make room/s);
  expect(text).not.toContain('as it is told to an operator');
});

it('says what is not as promised and what to do, the same as to a monitor', async () => {
  inForce = [{ what: 'clock', index: 'main', thing: '', message: '' }];
  const { text, json } = await seen(false, '<h1>The promise does not hold.</h1>');
  const [{ message, next }] = json.findings;
  for (const words of [message, next]) expect(text).toContain(words.replaceAll('"', '&quot;').replaceAll("'", '&#39;'));
  expect(text).toMatch(/main<\/a>.*does not hold.*pypi-org<\/a>.*holds/s);
  const again = async () => (await rig.get('/health', BROWSER)).body.toString();
  await expect.poll(again).not.toContain('The disk is nearly full:');
});

it('is lines for whoever takes anything', async () => {
  const { headers, body } = await rig.get('/health', { headers: { accept: '*/*' } });
  expect(headers['content-type']).toBe('text/plain; charset=UTF-8');
  expect(body.toString()).toContain('The promise does not hold. What is amiss:');
});
