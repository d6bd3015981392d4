import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { openGiven } from '../../../src/app/carry/given-files.ts';
import { headMember, MANIFEST_NAME, SEAL_NAME } from '../../../src/bundle/format/archive.ts';
import { seal } from '../../../src/bundle/format/seal.ts';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { type ImportRig, startImportRig } from '../../rigs/import-rig.ts';
import { NOW } from '../../rigs/mirror.ts';
import { type Content, type MadeBundle, makeBundle } from '../../support/bundles.ts';
import { DAY } from '../../support/clock.ts';
import { Sender } from '../../support/sender.ts';
import { tinyWheel } from '../../support/tiny-wheel.ts';

// Bundles that this site's own key signed and that lie all the same, and files that are none: refused, and nothing of them is served.

const ALPHA = tinyWheel('alpha');
const ALPHA2 = tinyWheel('alpha', '2.0');
const MIB = 1024 * 1024;

const open: ImportRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function start(): Promise<ImportRig> {
  const rig = await startImportRig();
  open.push(rig);
  return rig;
}

const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof Refusal ? `${error.reason}: ${error.message}` : String(error)),
  );

/** What became of it, and how many contents were stored before that. */
async function taken(rig: ImportRig, files: readonly Uint8Array[]): Promise<readonly [string, number]> {
  let stored = 0;
  const said = await refusalOf(
    rig.take(files, {
      place: (own) => ({
        ...own,
        store: {
          ...own.store,
          async stage(content, bytes) {
            const result = await own.store.stage(content, bytes);
            stored++;
            return result;
          },
        },
      }),
    }),
  );
  return [said, stored];
}

/** The same body under another manifest, which the same key signed. */
function under({ manifest, body }: MadeBundle, rig: ImportRig, edit: (text: string) => string): Buffer {
  const edited = Buffer.from(edit(manifest.toString()));
  if (edited.equals(manifest)) throw new Error('the manifest is as it was');
  const sealed = { index: 'main', number: 1, manifest: { sha256: sha256Hex(edited), size: edited.length } };
  return Buffer.concat([member(MANIFEST_NAME, edited), member(SEAL_NAME, seal(sealed, [rig.key])), body]);
}

function member(name: typeof MANIFEST_NAME | typeof SEAL_NAME, content: Buffer): Buffer {
  const { header, filling } = headMember(name, content.length);
  return Buffer.concat([header, content, filling]);
}

const more =
  (field: string, by: number | ((value: number) => number)) =>
  (text: string): string =>
    text.replace(new RegExp(`"${field}":(\\d+)`), (_, digits: string) => {
      const value = Number(digits);
      return `"${field}":${typeof by === 'number' ? by : by(value)}`;
    });

describe('a manifest that lies', () => {
  it.each<readonly [string, (text: string) => string, RegExp]>([
    ['claims ten million entries', more('entries', 10_000_000), /^format/],
    ['claims ten million members', more('members', 10_000_000), /^format/],
    ['claims as many entries as a bundle may have', more('entries', 4_000_000), /^format: .*add up/],
    ['claims fewer bytes of content than it lists', more('content', (value) => value - 1), /^format/],
    ['claims more bytes of content than it lists', more('content', (value) => value + 1), /^format/],
    ['claims a longer body than it has', more('body', (value) => value + 512), /^format/],
    ['claims a body beyond all limits', more('body', 2 ** 52), /^format/],
    ['claims a size that no member has', more('size', 2 ** 40), /^format/],
    ['claims a size below zero', more('size', (value) => -value), /^format/],
    ['claims a document that unpacks to more than a document has', more('size', 129 * MIB), /^format/],
    ['claims a stored size that is not there', more('stored', (value) => value + 1024), /^format/],
    ['has an index name that leaves', (text) => text.replace('"name":"main"', '"name":"../main"'), /^format/],
  ])('that %s is refused before a byte is stored', async (_, edit, expected) => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const [said, stored] = await taken(rig, [under(await rig.sender.bundle(), rig, edit)]);
    expect([said, stored]).toEqual([expect.stringMatching(expected), 0]);
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
  });
});

describe('a bundle whose contents lie', () => {
  /** A page of a project, and a file of it, as they are given. */
  const carrying = async (rig: ImportRig, contents: readonly Content[]) =>
    makeBundle({
      header: { stateAt: '2026-11-20T00:00:00Z', referenceTime: '2026-11-20T00:00:00Z' },
      contents,
      keys: [rig.key],
    });
  const page = (project: string, content: Uint8Array, coding?: 'zstd'): Content => ({
    kind: 'page',
    project,
    url: 'https://index.example/simple/alpha/',
    type: 'application/vnd.pypi.simple.v1+json',
    content,
    coding,
  });
  const listing = (name: string, ...filenames: readonly string[]) =>
    Buffer.from(
      JSON.stringify({
        meta: { 'api-version': '1.0' },
        name,
        files: filenames.map((filename) => ({
          filename,
          url: `../../${filename}`,
          hashes: { sha256: '0'.repeat(64) },
        })),
      }),
    );

  it('a page that unpacks to a thousand times what the manifest says is cut off, and nothing is stored', async () => {
    const rig = await start();
    const bomb = await carrying(rig, [page('alpha', Buffer.alloc(64 * MIB), 'zstd')]);
    expect(bomb.whole.length).toBeLessThan(64 * 1024);
    const lying = under(bomb, rig, (text) => text.replaceAll(`:${64 * MIB}`, `:${64 * 1024}`));
    const [said, stored] = await taken(rig, [lying]);
    expect([said, stored]).toEqual([expect.stringMatching(/^encoding: page alpha/), 0]);
  });

  it.each(['../alpha', '/etc/passwd', 'C:alpha', 'a/../../alpha', 'alpha\\..', 'al\0pha', 'Alpha'])(
    'a project called %j is none, and is found nowhere',
    async (project) => {
      const rig = await start();
      const { whole } = await carrying(rig, [page(project, listing(project))]);
      expect((await taken(rig, [whole]))[0]).toMatch(/^(format|name|unlisted|mix-and-match|foreign)/);
      expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
    },
  );

  it.each(['../../alpha-1.0-py3-none-any.whl', '/alpha-1.0-py3-none-any.whl', 'other-1.0-py3-none-any.whl'])(
    'a file called %j is not the project’s, whatever its page lists',
    async (name) => {
      const rig = await start();
      const file: Content = { kind: 'file', project: 'alpha', name, content: ALPHA.bytes };
      const { whole } = await carrying(rig, [page('alpha', listing('alpha', name)), file]);
      expect((await taken(rig, [whole]))[0]).toMatch(/^mix-and-match/);
      expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
    },
  );

  it('a file that is another than its page says', async () => {
    const rig = await start();
    const name = ALPHA.filename;
    const file: Content = { kind: 'file', project: 'alpha', name, content: ALPHA.bytes };
    const { whole } = await carrying(rig, [page('alpha', listing('alpha', name)), file]);
    expect((await taken(rig, [whole]))[0]).toMatch(/^(mix-and-match|offline)/);
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
  });

  it('a file that it counts on and that is not here, also where it is only tried', async () => {
    const rig = await start();
    const file: Content = { kind: 'file', project: 'alpha', name: ALPHA.filename, content: ALPHA.bytes, bytes: 'held' };
    const { whole } = await carrying(rig, [page('alpha', listing('alpha', ALPHA.filename)), file]);
    for (const dryRun of [true, false])
      expect(await refusalOf(rig.take([whole], { dryRun }))).toMatch(/^mix-and-match: The bundle counts on 1 contents/);
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
  });

  it('a second manifest or a second signature behind the first', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const { head, manifest, body } = await rig.sender.bundle();
    const signature = head.subarray(member(MANIFEST_NAME, manifest).length);
    for (const twice of [signature, member(MANIFEST_NAME, manifest)])
      expect(await taken(rig, [Buffer.concat([head, twice, body])])).toEqual([expect.stringMatching(/^length/), 0]);
  });

  it('a signature that is of another bundle', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const { head, manifest } = await rig.sender.bundle();
    const signature = head.subarray(member(MANIFEST_NAME, manifest).length);
    const stranger = new Sender([], NOW - 10 * DAY);
    stranger.put('alpha', ALPHA2);
    const other = await stranger.bundle();
    const mixed = Buffer.concat([other.head, signature, other.body]);
    expect(await taken(rig, [mixed])).toEqual([expect.stringMatching(/^digest: .*another manifest/), 0]);
  });
});

/** Another body under a manifest that says so, which the same key signed. */
function around(made: MadeBundle, rig: ImportRig, edit: (body: Buffer) => void): Buffer {
  const body = Buffer.from(made.body);
  edit(body);
  const [was, is] = [sha256Hex(made.body), sha256Hex(body)];
  return under({ ...made, body }, rig, (text) => text.replace(was, is));
}

describe('an archive whose headers lie', () => {
  const [TYPE, LINK, MODE, SIZE, SUM] = [156, 157, 100, 124, 148];
  /** The checksum is right again: it is the header itself that is refused. */
  const summed = (body: Buffer) => {
    body.write(' '.repeat(8), SUM, 'latin1');
    const sum = body.subarray(0, 512).reduce((all, byte) => all + byte, 0);
    body.write(`${sum.toString(8).padStart(6, '0')}\0 `, SUM, 'latin1');
  };
  const typed = (type: string) => (body: Buffer) => {
    body.write(type, TYPE, 'latin1');
    body.write('/etc/passwd', LINK, 'latin1');
    summed(body);
  };
  const named = (name: string) => (body: Buffer) => {
    body.fill(0, 0, 100);
    body.write(name, 0, 'utf8');
    summed(body);
  };
  const sized = (size: Buffer) => (body: Buffer) => {
    size.copy(body, SIZE);
    summed(body);
  };

  it.each<readonly [string, (body: Buffer) => void]>([
    ['a hard link', typed('1')],
    ['a symbolic link', typed('2')],
    ['a character device', typed('3')],
    ['a block device', typed('4')],
    ['a directory', typed('5')],
    ['a FIFO', typed('6')],
    ['a sparse file of GNU', typed('S')],
    ['a long name of GNU', typed('L')],
    ['a long link of GNU', typed('K')],
    ['a pax header, which may say another size', typed('x')],
    ['a pax header for all that follows', typed('g')],
    [
      'a member that may be run',
      (body) => {
        body.write('0000755', MODE, 'latin1');
        summed(body);
      },
    ],
    ['a size in base 256', sized(Buffer.from('800000000000000000000200', 'hex'))],
    ['a size below zero', sized(Buffer.from('ffffffffffffffffffffffff', 'hex'))],
    ['a size in octal that is another', sized(Buffer.from('00000000001\0'))],
    ['a wrong checksum', (body) => void body.write('000000\0 ', SUM, 'latin1')],
    ['a name that leaves', named('../../etc/passwd')],
    ['a name from the root', named('/etc/passwd')],
    ['a name of another system', named('C:\\alpha')],
    ['a name with a NUL in it', named('blobs\0/../x')],
    ['another digest in its name', named(`blobs/sha256/00/${'0'.repeat(64)}`)],
    [
      'the name of a member in capitals',
      (body) => named(body.toString('latin1', 0, 100).replace('blobs', 'BLOBS'))(body),
    ],
  ])('%s is refused, and nothing of it is served', async (_, edit) => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const made = await rig.sender.bundle();
    expect((await taken(rig, [around(made, rig, edit)]))[0]).toMatch(/^(format|length)/);
    expect(await rig.refused('/simple/alpha/')).toBe('503 offline');
    await rig.take([made.whole]);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('a member that stands twice is refused', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const made = await rig.sender.bundle();
    const twice = Buffer.concat([made.body.subarray(0, 512), made.body]);
    const lying = under({ ...made, body: twice }, rig, (text) => text.replace(sha256Hex(made.body), sha256Hex(twice)));
    expect(await taken(rig, [lying])).toEqual([expect.stringMatching(/^(format|length)/), 0]);
  });

  it('an entry of the manifest that stands twice is refused, as is one that is the same but for its case', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const made = await rig.sender.bundle();
    const line = /^\{"kind":"file".*\n/m;
    for (const edit of [
      (text: string) => text.replace(line, (entry) => entry + entry),
      (text: string) => text.replace(line, (entry) => entry + entry.replace('"alpha-', '"Alpha-')),
    ])
      expect(await taken(rig, [under(made, rig, edit)])).toEqual([expect.stringMatching(/^format/), 0]);
  });
});

describe('a bundle that is cut', () => {
  it('after any KiB is refused, and the last state is served', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    await rig.take([(await rig.sender.bundle()).whole]);
    rig.sender.put('alpha', ALPHA, ALPHA2);
    const { whole } = await rig.sender.bundle({ since: 1 });
    expect(whole.length).toBeGreaterThan(4096);
    for (let end = 0; end < whole.length; end += 1024)
      expect([end, await taken(rig, [whole.subarray(0, end)])]).toEqual([
        end,
        [expect.stringMatching(/^(format|truncated|length)/), 0],
      ]);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('into pieces that are given in each other’s place, or twice in place of one that is missing, is told which', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const { head, pieces } = await rig.sender.bundle({ pieceSize: 700 });
    const [first, second, ...others] = pieces;
    if (first === undefined || second === undefined) throw new TypeError('there are several');
    expect((await taken(rig, [head, second, second, ...others]))[0]).toMatch(/^truncated: .*piece 1 is missing/);
    await rig.take([head, second, first, ...others]);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });
});

describe('a bundle that is swapped while it is read', () => {
  const swapped = async (rig: ImportRig, other: (whole: Buffer, made: MadeBundle) => void) => {
    const made = await rig.sender.bundle({ since: 1 });
    const whole = Buffer.from(made.whole);
    let isFirst = true;
    const said = await refusalOf(
      rig.take([whole], {
        place: (own) => ({
          ...own,
          async room() {
            if (isFirst) other(whole, made);
            isFirst = false;
            return own.room();
          },
        }),
      }),
    );
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
    await rig.take([made.whole]);
    expect(await rig.names('alpha')).toHaveLength(2);
    return said;
  };
  const withOne = async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    await rig.take([(await rig.sender.bundle()).whole]);
    rig.sender.put('alpha', ALPHA, ALPHA2);
    return rig;
  };

  it('its contents: what is stored is what was checked', async () => {
    const said = await swapped(await withOne(), (whole, { head }) => {
      const at = whole.length - 2048;
      expect(at).toBeGreaterThan(head.length);
      whole[at] = (whole[at] ?? 0) ^ 1;
    });
    expect(said).toMatch(/^digest/);
  });

  it('its manifest, by another that says more', async () => {
    const said = await swapped(await withOne(), (whole) => {
      whole.write('"upstream":"HTTPS', whole.indexOf('"upstream":"https'), 'latin1');
    });
    expect(said).toMatch(/^changed: .*while it was read/);
  });
});

describe('an increment on the wrong base', () => {
  it('names the number it builds on, and both manifests, where another of that number is here', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const first = await rig.sender.bundle();
    await rig.take([first.whole]);
    const fork = new Sender([rig.key], NOW - 9 * DAY);
    fork.put('alpha', ALPHA2);
    const forked = await fork.bundle();
    fork.put('alpha', ALPHA, ALPHA2);
    const { whole } = await fork.bundle({ since: 1, header: { previous: first.manifestSha256 } });
    const [said, stored] = await taken(rig, [whole]);
    expect(said).toMatch(/^mix-and-match: Bundle 2 builds on another number 1/);
    for (const { manifestSha256 } of [first, forked]) expect(said).toContain(manifestSha256.slice(0, 12));
    expect(stored).toBe(0);
    expect(await rig.names('alpha')).toEqual([ALPHA.filename]);
  });

  it('two bundles at once are told to come one after the other', async () => {
    const rig = await start();
    rig.sender.put('alpha', ALPHA);
    const files = [(await rig.sender.bundle()).whole, (await rig.sender.bundle()).whole];
    expect(await taken(rig, files)).toEqual([expect.stringMatching(/^format: .*several bundles/), 0]);
  });
});

describe('what is given in place of a file', () => {
  const scratch = async () => {
    const directory = await mkdtemp(join(tmpdir(), 'verbatim-given-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    return directory;
  };

  it('a pipe that nobody writes to is said to be no file, at once', async () => {
    const pipe = join(await scratch(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await refusalOf(openGiven([pipe]))).toBe(`format: ${pipe} cannot be read: it is no regular file.`);
  });

  it('a device, a directory, and nothing', async () => {
    const directory = await scratch();
    expect(await refusalOf(openGiven(['/dev/zero']))).toMatch(/^format: .*no regular file/);
    expect(await refusalOf(openGiven([directory]))).toMatch(/^format: .*cannot be read/);
    expect(await refusalOf(openGiven([join(directory, 'none')]))).toMatch(/^format: .*cannot be read/);
  });

  it('a file that grows or is put elsewhere meanwhile: what was opened is read', async () => {
    const path = join(await scratch(), 'bundle.tar');
    await writeFile(path, 'first');
    const { files, close } = await openGiven([path]);
    onTestFinished(close);
    await rm(path);
    await writeFile(path, 'other, and longer');
    const into = Buffer.alloc(20);
    expect(await files[0]?.bytes.read(into, 0)).toBe(5);
    expect(into.toString('latin1', 0, 5)).toBe('first');
  });
});
