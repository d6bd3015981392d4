import { describe, expect, it } from 'vitest';
import { decodePage } from '../../../src/pypi/decode.ts';
import { splitFlatPage } from '../../../src/pypi/flat.ts';
import { refusedFor } from './fixtures.ts';

const URL_OF = 'https://index.example/links/all.html';
const SHA256 = 'a'.repeat(64);
const split = (html: string) => splitFlatPage(Buffer.from(html), URL_OF);
const filesOf = (pages: ReadonlyMap<string, Uint8Array>, project: string) =>
  decodePage(pages.get(project) ?? Buffer.alloc(0), project).files;

describe('a page with the files of all projects', () => {
  it('is cut into one page a project, whose links lead where they led', () => {
    const pages = split(
      `<html><head><base href="../files/"></head><a href="alpha-1.0-py3-none-any.whl#sha256=${SHA256}">x</a>
       <a href="https://cdn.example/beta_two-2.0.tar.gz" data-requires-python="&gt;=3.9">y</a><a href="/about">about</a></html>`,
    );
    expect([...pages.keys()]).toEqual(['alpha', 'beta-two']);
    expect(filesOf(pages, 'alpha')).toMatchObject([
      { url: 'https://index.example/files/alpha-1.0-py3-none-any.whl', digests: new Map([['sha256', SHA256]]) },
    ]);
    expect(filesOf(pages, 'beta-two')).toMatchObject([
      { url: 'https://cdn.example/beta_two-2.0.tar.gz', requiresPython: '>=3.9' },
    ]);
  });

  it('is refused where it lists more files than one page may', () => {
    refusedFor('limit', () => split('<a href="a-1.0.zip">'.repeat(100_001)));
    expect(split('<a href="a-1.0.zip">'.repeat(100_000)).size).toBe(1);
  });

  it('gives a file to one project only: the one whose version looks like one', () => {
    const pages = split(
      '<a href="foo-bar-1.0.tar.gz">1</a><a href="foo-2.0.tar.gz">2</a><a href="b-2to3-1.0.zip">3</a>',
    );
    expect([...pages.keys()]).toEqual(['foo-bar', 'foo', 'b-2to3']);
  });

  it('cannot be made to say more than its links: what it writes is escaped', () => {
    const pages = split(
      `<a href='alpha-1.0.zip?"><a href="evil-1.0.zip' data-yanked='"><a href="alpha-2.0.zip">'>x</a>`,
    );
    expect(filesOf(pages, 'alpha').map(({ filename, yanked }) => [filename, yanked])).toEqual([
      ['alpha-1.0.zip', '"><a href="alpha-2.0.zip">'],
    ]);
  });
});
