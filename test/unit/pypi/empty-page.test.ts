import { expect, it } from 'vitest';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { workHere } from '../../../src/ports/page-work.ts';
import { decodePage } from '../../../src/pypi/decode.ts';
import { refuseNoPage } from '../../../src/pypi/observation.ts';
import { client } from '../../support/callers.ts';
import { jsonPage, line } from './fixtures.ts';

const judged = (html: string) => {
  const page = decodePage(Buffer.from(html), 'foo-bar');
  try {
    refuseNoPage({ page, serial: undefined });
    return page.odd ?? [];
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
};

it.each([
  [
    'headed as Nexus does',
    '<html><head><title>Links for foo-bar</title><meta name="api-version" value="2"/></head><body><h1>Links for foo-bar</h1>\n</body></html>',
  ],
  ['headed in another spelling', '<h1>links for Foo.Bar</h1>'],
  [
    'headed as devpi does, with a form',
    '<h1>root/pypi: links for foo_bar</h1><form action="refresh"><input type="submit"></form>',
  ],
  [
    'with nothing on it, as Artifactory makes it',
    '<!DOCTYPE html>\n<html>\n<head><title>Simple Index</title><meta name="api-version" value="2" /></head>\n<body>\n</body>\n</html>',
  ],
  ['with nothing at all but its tags', '<html><body></body></html>'],
])('a page without a file and without a version is an empty one: %s', (_, html) => {
  expect(judged(html)).toEqual(['empty']);
});

it.each([
  ['of another project', '<title>Links for other</title><h1>Links for other</h1>text'],
  ['a log-in page', '<html><title>Log in</title><form method="post"><input name="u"></form></html>'],
  [
    'a portal that forwards',
    '<html><head><meta http-equiv="Refresh" content="0; url=/login"></head><body></body></html>',
  ],
  ['a page that draws itself', '<html><title>App</title><body><script>go()</script></body></html>'],
  ['an error', '<html><body><p>Internal error</p></body></html>'],
  ['one with links elsewhere', '<html><body><a href="/help"></a></body></html>'],
  ['words in a comment alone', '<!-- links for foo-bar --><p>Not here</p>'],
])('what is no project page is not taken for an empty one: %s', (_, html) => {
  expect(judged(html)).toBe('format');
});

it('a page that says that it is one is empty without a label', () => {
  expect(judged('<meta name="pypi:repository-version" content="1.0"><title>x</title><p>words</p>')).toEqual([]);
});

it('what is no project page is not taken for the first one of a project', async () => {
  const after = { bytes: Buffer.from('<title>Log in</title><p>Please</p>'), serial: undefined };
  await expect(workHere.compare('foo-bar', undefined, after, client())).rejects.toMatchObject({ reason: 'format' });
});

it('a page that lists files of other projects alone is no page of this one', async () => {
  const after = { bytes: jsonPage([line('other-1.0.tar.gz')]), serial: 1 };
  await expect(workHere.compare('foo-bar', undefined, after, client())).rejects.toMatchObject({ reason: 'foreign' });
});
