import { describe, expect, it } from 'vitest';
import { decodePage } from '../../../src/pypi/decode.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { legacyJson } from '../../../src/render/legacy-json.ts';
import { cpuTime, onThisMachine } from '../../support/cpu.ts';

/** A project whose files spell their versions otherwise than its list of versions does, as nightlies by date do. */
function nightlies(count: number) {
  const days = Array.from({ length: count }, (_, at) => ({ month: 1 + (at % 9), at }));
  const files = days.map(({ month, at }) => ({
    filename: `big-2020.0${month}.${at}.tar.gz`,
    url: `https://files.example/${at}/big-2020.0${month}.${at}.tar.gz`,
    hashes: { sha256: at.toString(16).padStart(64, '0') },
  }));
  const versions = days.map(({ month, at }) => `2020.${month}.${at}`);
  const page = JSON.stringify({ meta: { 'api-version': '1.1' }, name: 'big', versions, files });
  return relink(decodePage(Buffer.from(page), 'big'), { pageUrl: 'https://files.example/simple/big/' });
}

it('a file belongs to its version however either is spelled, in time that grows with the page and no faster', () => {
  const listing = nightlies(6000);
  const started = cpuTime();
  const document = JSON.parse(String(legacyJson(undefined, listing, undefined, 'https://mirror.example/')));
  expect(cpuTime() - started).toBeLessThan(onThisMachine(2000));
  expect(Object.keys(document.releases)).toEqual(listing.versions);
  expect(document.releases['2020.1.0']).toMatchObject([{ filename: 'big-2020.01.0.tar.gz' }]);
});

describe("upstream's document", () => {
  const listing = nightlies(3);
  const drawn = (upstream: string) =>
    JSON.parse(String(legacyJson(Buffer.from(upstream), listing, undefined, 'https://mirror.example/')));

  it('describes the files that the page lists, wherever they stand, and no others', () => {
    const file = (filename: string, comment_text: string) => JSON.stringify({ filename, comment_text });
    const name = 'big-2020.01.0.tar.gz';
    const document = drawn(
      `{"last_serial":7,"urls":[${file(name, 'first')},7,${file('other-1.0.tar.gz', 'other')}],"releases":{"2020.1.0":[${file(name, 'last')}],"x":7},"info":{"version":"2020.1.0","summary":"s"}}`,
    );
    expect(document).toMatchObject({ last_serial: 7, info: { summary: 's', name: 'big' } });
    expect(document.urls).toMatchObject([{ filename: name, comment_text: 'last' }]);
    expect(JSON.stringify(document)).not.toContain('other');
  });

  it.each([
    ['more values than any has', `{"urls":[${'{},'.repeat(2_000_000)}{}]}`],
    ['a description beyond all bounds', `{"info":{"description":"${'x'.repeat(5_000_000)}"}}`],
    ['brackets in brackets', `{"x":${'['.repeat(100)}${']'.repeat(100)}}`],
  ])('is refused: %s', (_, upstream) => {
    expect(() => drawn(upstream)).toThrow(expect.objectContaining({ name: 'Refusal', reason: 'limit' }));
  });

  it('is refused where it is no object, or no JSON to its end', () => {
    const refused = (words: string) =>
      expect.objectContaining({ reason: 'format', message: `The legacy JSON document is ${words}.` });
    for (const upstream of ['[]', '7']) expect(() => drawn(upstream)).toThrow(refused('no object'));
    for (const upstream of ['{"urls":[]', '{"urls":[]}x']) expect(() => drawn(upstream)).toThrow(refused('not JSON'));
  });
});
