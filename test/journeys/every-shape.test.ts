import { afterEach, describe, expect, it } from 'vitest';
import { type IndexRig, startIndexRig } from '../rigs/index-rig.ts';
import { type Send, withHeaders } from '../support/bad-days.ts';
import { client } from '../support/callers.ts';
import { tinyWheel } from '../support/tiny-wheel.ts';

// The lines that real pages have, in every shape they were seen in: each is listed or left out with its reason, and none is lost.

const SHA = 'ab'.repeat(32);
/** What becomes of a line: the evidence it is listed on, or why it is left out; a link to a directory is no line. */
type Fate = 'index' | 'first-sight' | 'none' | 'duplicate' | 'filename' | 'foreign' | 'url' | 'digest' | 'no file';

interface Shape {
  readonly is: string;
  /** `href` and what stands between the tags. */
  readonly anchor: readonly [string, string];
  readonly fate: Fate;
  /** Under which name it is listed. */
  readonly name?: string;
}

const shape = (is: string, href: string, text: string, fate: Fate, name = text): Shape => ({
  is,
  anchor: [href, text],
  fate,
  name,
});
const file = (version: string) => `alpha-${version}-py3-none-any.whl`;
const sdist = (version: string) => `alpha-${version}.tar.gz`;

const SHAPES: readonly Shape[] = [
  shape('a path from the root, as buckets have it', `/whl/${file('1.0')}#sha256=${SHA}`, file('1.0'), 'index'),
  shape('a path beside the page', `${file('1.1')}#sha256=${SHA}`, file('1.1'), 'index'),
  shape('a path above the page', `../../whl/${file('1.2')}#sha256=${SHA}`, file('1.2'), 'index'),
  shape('another digest', `${file('1.3')}#sha512=${SHA}${SHA}`, file('1.3'), 'index'),
  shape('a digest in capitals', `${file('1.4')}#SHA256=${SHA.toUpperCase()}`, file('1.4'), 'index'),
  shape('a digest with a dash', `${file('1.5')}#sha256-${SHA}`, file('1.5'), 'index'),
  shape('a digest beside an egg', `${file('1.6')}#egg=alpha&sha256=${SHA}`, file('1.6'), 'index'),
  shape('a query before the digest', `${file('1.7')}?token=1#sha256=${SHA}`, file('1.7'), 'index'),
  shape('a local version, escaped', `alpha-1.8%2Bcpu-py3-none-any.whl#sha256=${SHA}`, file('1.8+cpu'), 'index'),
  shape('an sdist', `${sdist('1.9')}#sha256=${SHA}`, sdist('1.9'), 'index'),
  shape('a zip', `alpha-2.0.zip#sha256=${SHA}`, 'alpha-2.0.zip', 'index'),
  shape('an egg', `alpha-2.1-py3.12.egg#sha256=${SHA}`, 'alpha-2.1-py3.12.egg', 'index'),
  shape('an installer', `alpha-2.2.win32.exe#sha256=${SHA}`, 'alpha-2.2.win32.exe', 'index'),
  shape('a build tag', `alpha-2.3-1-py3-none-any.whl#sha256=${SHA}`, 'alpha-2.3-1-py3-none-any.whl', 'index'),
  shape('a variant', `alpha-2.3-py3-none-any-cu12.whl#sha256=${SHA}`, 'alpha-2.3-py3-none-any-cu12.whl', 'index'),
  shape('a wheel of later rules', `alpha-2.4-py3-none-any.whlx#sha256=${SHA}`, 'alpha-2.4-py3-none-any.whlx', 'index'),
  shape('an unknown suffix', `alpha-2.5.nupkg#sha256=${SHA}`, 'alpha-2.5.nupkg', 'index'),
  shape('another text than its name', `${file('2.6')}#sha256=${SHA}`, 'alpha 2.6', 'index', file('2.6')),
  shape('no digest', file('3.0'), file('3.0'), 'first-sight'),
  shape('MD5 alone', `${file('3.1')}#md5=${'ab'.repeat(16)}`, file('3.1'), 'first-sight'),
  shape('SHA-1 alone', `${file('3.2')}#sha1=${'ab'.repeat(20)}`, file('3.2'), 'first-sight'),
  shape('a digest nobody knows', `${file('3.3')}#sha3_256=${SHA}`, file('3.3'), 'first-sight'),
  shape('an empty fragment', `${file('3.4')}#`, file('3.4'), 'first-sight'),
  shape('a list of variants', 'alpha-2.3-variants.json', 'alpha-2.3-variants.json', 'none'),
  shape('a digest that is too short', `${file('4.0')}#sha256=abc`, file('4.0'), 'digest'),
  shape('another project', `beta-1.0-py3-none-any.whl#sha256=${SHA}`, 'beta-1.0-py3-none-any.whl', 'foreign'),
  shape('the folder above', '../', '..', 'no file'),
  shape('a page', 'index.html', 'index.html', 'filename'),
  shape('a home page', 'https://alpha.example/', 'home', 'no file'),
  shape('a mail address', 'mailto:somebody@alpha.example', 'mail', 'filename'),
  shape('a name without a version', 'alpha.whl', 'alpha.whl', 'filename'),
  shape('a second line of a name', `/other/${file('1.0')}#sha256=${SHA}`, file('1.0'), 'duplicate'),
];

const html: Send = (answer) => ({
  ...withHeaders({ 'content-type': 'text/html' })(answer, 1),
  body: Buffer.from(
    `<!DOCTYPE html><html><body>${SHAPES.map(({ anchor: [href, text] }) => `<a href="${href}">${text}</a><br/>`).join('\n')}</body></html>`,
  ),
});

let rig: IndexRig;
afterEach(() => rig.close());

describe('a page with lines of every shape', () => {
  it('loses none: each is listed on its evidence, or left out and named with its reason', async () => {
    rig = await startIndexRig({ fill: (pypi) => pypi.upload('alpha', tinyWheel('alpha')) });
    rig.pypi.page('alpha', html);
    const { files } = await rig.page('alpha');
    const evidence = ({ '_verbatim-evidence': weaker = 'index' }: Readonly<Record<string, unknown>>) => String(weaker);
    const { leftOut } = await rig.index().explain('alpha', client());
    const listed = files.map((each) => [each.filename, evidence({ ...each })]);
    const named = leftOut.map(({ name, why }) => [name, why]);
    const lines = SHAPES.filter(({ fate }) => fate !== 'no file');
    const isListed = ({ fate }: Shape) => ['index', 'first-sight', 'none'].includes(fate);
    expect(listed.sort()).toEqual(
      lines
        .filter(isListed)
        .map(({ name, fate }) => [name, fate])
        .sort(),
    );
    expect(named.map(([, why]) => why).sort()).toEqual(
      lines
        .filter((each) => !isListed(each))
        .map(({ fate }) => fate)
        .sort(),
    );
    const { leftOut: counts, firstSight } = await rig.index().tally();
    expect(files.length + [...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(lines.length);
    expect(firstSight).toBe(lines.filter(({ fate }) => fate === 'first-sight').length);
  });
});
