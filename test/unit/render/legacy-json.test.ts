import { expect, it } from 'vitest';
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
