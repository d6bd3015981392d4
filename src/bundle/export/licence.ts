import { MAX_METADATA_HEAD } from '../../pypi/limits.ts';

const MOST_CHARACTERS = 200;
const CLASSIFIER = /^classifier:[ \t]*License :: ([^\r\n]*)/gim;

/** What core metadata says of the licence: `License-Expression` (PEP 639), else its classifiers, else the first line of `License`. */
export function licenceIn(metadata: Uint8Array): string | undefined {
  const text = Buffer.from(
    metadata.buffer,
    metadata.byteOffset,
    Math.min(metadata.byteLength, MAX_METADATA_HEAD),
  ).toString();
  const head = text.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const expression = /^license-expression:[ \t]*([^\r\n]+)/im.exec(head)?.[1];
  if (expression !== undefined) return cut(expression);
  const classified = [...head.matchAll(CLASSIFIER)].map(([, name = '']) => name.split(' :: ').at(-1) ?? '');
  if (classified.length > 0) return cut(classified.join(', '));
  const stated = /^license:[ \t]*([^\r\n]+)/im.exec(head)?.[1];
  return stated === undefined || /^unknown$/i.test(stated.trim()) ? undefined : cut(stated);
}

function cut(text: string): string {
  return text.trim().slice(0, MOST_CHARACTERS);
}
