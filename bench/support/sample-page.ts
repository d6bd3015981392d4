import type { SignedIndex } from '../../src/repository/signed-index.ts';
import { JSON_PAGE } from './ask.ts';
import { smallIndex } from './index.ts';

/** So many that the page is 24 KB of JSON. */
const FILES = 51;
export const KILOBYTES = 24;
export const CONNECTIONS = 32;
export const PAGE = 'simple/sampleproject/';

/** A signed index whose page `sampleproject` is as large as most. */
export function samplePage(): SignedIndex {
  const index = smallIndex();
  for (let i = 0; i < FILES; i++)
    index.upload('sampleproject', {
      filename: `sampleproject-${i}.0.0-py3-none-any.whl`,
      bytes: Buffer.from(`file ${i}`),
      requiresPython: '>=3.9',
      uploadTime: '2026-01-31T12:00:00.000000Z',
      coreMetadata: Buffer.from(`metadata ${i}`),
    });
  return index;
}

export const KINDS = ['JSON', 'gzip', 'not modified'] as const;

/** What a client sends for each kind of answer, where its page has this ETag. */
export function headersOfKinds(etag: string): Readonly<Record<(typeof KINDS)[number], Record<string, string>>> {
  return {
    JSON: JSON_PAGE,
    gzip: { ...JSON_PAGE, 'Accept-Encoding': 'gzip' },
    'not modified': { ...JSON_PAGE, 'If-None-Match': etag },
  };
}
