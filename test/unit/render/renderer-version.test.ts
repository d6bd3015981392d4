import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { emptied, without } from '../../../src/pypi/listing.ts';
import { relink } from '../../../src/pypi/relink.ts';
import { drawPage } from '../../../src/render/render.ts';
import { RENDERER_VERSION } from '../../../src/render/version.ts';

// Bodies that an earlier program drew are served as long as the renderer has the same version.

const read = (name: string) => readFileSync(new URL(`../../data/renderer/${name}`, import.meta.url));
const NAMES = ['every-key.page', 'every-attribute.page', 'bare.page', 'digest-forms.page'];
const PAGE_URL = 'https://index.example/simple/demo/';

function drawn(): string {
  const hashes = NAMES.flatMap((name) => {
    const listing = relink(decodePage(read(name), 'demo'), { pageUrl: PAGE_URL });
    const [first = ''] = listing.files.keys();
    const [one, none] = [new Set([first]), new Set<string>()];
    const views = [
      listing,
      emptied(listing),
      without(listing, { withheld: one, silenced: none }),
      without(listing, { withheld: none, silenced: one }),
    ];
    return views.flatMap((view) => Object.values(drawPage(view)).map(sha256Hex));
  });
  return sha256Hex(Buffer.from(hashes.join('\n')));
}

it('what is drawn of a page is what this version of the renderer draws', () => {
  const [, digest] =
    read('drawn.txt')
      .toString()
      .split('\n')
      .map((line) => line.split(' '))
      .find(([version]) => version === String(RENDERER_VERSION)) ?? [];
  // Where the drawing was meant to change: RENDERER_VERSION goes up, and drawn.txt gets a line for it.
  expect(drawn()).toBe(digest);
});
