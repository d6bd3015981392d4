import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/bytes/digest.ts';
import { Refusal } from '../../../src/bytes/refusal.ts';
import { makeUnverifiedDocument } from '../../../src/bytes/unverified.ts';
import { isJudged, newestAnnounced } from '../../../src/mirror/provenance/choice.ts';
import { judgeFile } from '../../../src/mirror/provenance/judging.ts';
import type { KeptJudgement } from '../../../src/ports/provenance/kept.ts';
import { PACKAGED_ROOT } from '../../../src/provenance/packaged-root.ts';
import type { JudgedFile } from '../../../src/pypi/listing.ts';
import { createProvenanceWork } from '../../../src/workers/provenance-work.ts';
import { client } from '../../support/callers.ts';

const DIGEST = 'a'.repeat(64);
const fileOf = (version: string, says = true): JudgedFile => ({
  entry: {
    filename: `mill-${version}-py3-none-any.whl`,
    digests: new Map([['sha256', DIGEST]]),
    ...(says && { provenance: 'https://index.example/it' }),
  },
  path: '',
});
const BYTES = Buffer.from('{}');
const PACKAGED = { sha256: 'd'.repeat(64), bytes: Buffer.from(PACKAGED_ROOT) };
const ROOT = { sha256: 'b'.repeat(64), bytes: Buffer.from('{}') };
const documentOf = (bytes: Uint8Array) => ({
  provenanceOf: async () => makeUnverifiedDocument({ bytes, contentType: 'application/json', maxAge: 0 }),
});
const refusing = (error: unknown) => ({ provenanceOf: () => Promise.reject(error) });
const answering = (result: 'refused' | 'unchecked') => ({
  work: { judge: async () => ({ result, why: result }) as const },
  root: async () => ROOT,
  gitlab: [],
});
const asked = (before?: KeptJudgement) => ({ project: 'mill', file: fileOf('1.0'), before, now: 7 });

describe('one file', () => {
  it('is judged once for its digest, its provenance and the trusted root', async () => {
    const first = await judgeFile(answering('unchecked'), documentOf(BYTES), asked(), client());
    expect(first).toEqual({
      file: DIGEST,
      document: sha256Hex(BYTES),
      root: ROOT.sha256,
      at: 7,
      judgement: { result: 'unchecked', why: 'unchecked' },
    });
    const again = { ...asked(first), now: 8 };
    expect(await judgeFile(answering('refused'), documentOf(BYTES), again, client())).toEqual({ ...first, at: 8 });
    const other = await judgeFile(answering('refused'), documentOf(Buffer.from('{ }')), again, client());
    expect(other?.judgement.result).toBe('refused');
  });

  it.each([
    ['unlisted', false, { result: 'unavailable', lasting: true }],
    ['offline', false, { result: 'unavailable', lasting: false }],
    ['unreachable', true, { result: 'unavailable', lasting: false, transient: true }],
    ['limit', true, { result: 'unavailable', lasting: false, transient: true }],
    ['limit', false, { result: 'refused' }],
  ] as const)(
    'whose provenance cannot be had for the reason %s is nothing verified',
    async (reason, transient, judgement) => {
      const documents = refusing(new Refusal(reason, 'no', { transient }));
      expect(await judgeFile(answering('refused'), documents, asked(), client())).toMatchObject({
        document: undefined,
        judgement,
      });
    },
  );

  it('stays what it was found to be while upstream cannot be asked anew, and is not while upstream says that there is none', async () => {
    const verified = { result: 'verified', publishers: [], unchecked: [] } as const;
    const before = { file: DIGEST, document: DIGEST, root: ROOT.sha256, at: 7, judgement: verified };
    const judge = (reason: 'unreachable' | 'unlisted', was: KeptJudgement) =>
      judgeFile(
        answering('refused'),
        refusing(new Refusal(reason, 'no', { transient: reason === 'unreachable' })),
        { ...asked(was), now: 100_000 },
        client(),
      );
    const kept = await judge('unreachable', before);
    expect(kept?.judgement).toBe(verified);
    expect([isJudged(kept, ROOT.sha256, 100_009), isJudged(kept, ROOT.sha256, 100_010)]).toEqual([true, false]);
    for (const was of [
      { ...before, root: 'c'.repeat(64) },
      { ...before, file: 'c'.repeat(64) },
    ])
      expect((await judge('unreachable', was))?.judgement).toMatchObject({ result: 'unavailable', transient: true });
    expect((await judge('unlisted', before))?.judgement).toMatchObject({ result: 'unavailable', lasting: true });
  });

  it('that nobody waits for any more, or that breaks, is not judged', async () => {
    const gone = new AbortController();
    gone.abort();
    const left = { ...client(), signal: gone.signal };
    const refusal = new Refusal('unreachable', 'no');
    await expect(judgeFile(answering('refused'), refusing(refusal), asked(), left)).rejects.toBe(refusal);
    const broken = new TypeError('broken');
    await expect(judgeFile(answering('refused'), refusing(broken), asked(), client())).rejects.toBe(broken);
  });
});

describe('what was found out', () => {
  const kept = (judgement: KeptJudgement['judgement']): KeptJudgement => ({
    file: DIGEST,
    document: DIGEST,
    root: 'r',
    at: 100,
    judgement,
  });

  it('is looked at again after a while, and by another trusted root at once', () => {
    const refused = kept({ result: 'refused', why: '' });
    expect(isJudged(undefined, 'r', 100)).toBe(false);
    expect(isJudged(refused, 'other', 100)).toBe(false);
    expect([isJudged(refused, 'r', 100 + 86_399), isJudged(refused, 'r', 100 + 86_400)]).toEqual([true, false]);
    const missing = (lasting: boolean) => kept({ result: 'unavailable', why: '', lasting });
    expect([isJudged(missing(true), 'r', 3699), isJudged(missing(true), 'r', 3700)]).toEqual([true, false]);
    expect([isJudged(missing(false), 'r', 109), isJudged(missing(false), 'r', 110)]).toEqual([true, false]);
  });

  it('is of the two newest releases that announce something', () => {
    const files = ['1.0', '10.0', '9.0', '2.0'].map((version) => fileOf(version));
    const all = [...files, fileOf('11.0', false), fileOf('no-version')];
    const page = { name: 'mill', files: new Map(all.map((file) => [file.entry.filename, file])) };
    expect(newestAnnounced(page).map(({ entry }) => entry.filename.split('-')[1])).toEqual(['10.0', '9.0']);
  });
});

describe('the thread that judges', () => {
  const given = {
    file: { project: 'mill', filename: 'mill-1.0-py3-none-any.whl', sha256: DIGEST },
    root: ROOT,
    gitlab: [],
  };

  it('is not sent what is too large', async () => {
    let threads = 0;
    const work = createProvenanceWork({ started: () => void threads++ });
    const judgement = await work.judge({ ...given, bytes: Buffer.alloc(4 * 1024 * 1024 + 1) }, client());
    expect(judgement).toEqual({ result: 'refused', why: expect.stringContaining('larger than') });
    expect(threads).toBe(0);
    await work.close();
  });

  it('is given up where it does not come back, and what it was at is refused', async () => {
    const work = createProvenanceWork({ started: (worker) => void worker.terminate() });
    expect(await work.judge({ ...given, bytes: BYTES }, client())).toEqual({
      result: 'refused',
      why: expect.stringContaining('took more than'),
    });
    await work.close();
  }, 60_000);

  it('is asked once more where it died for no fault of what it was at', async () => {
    let threads = 0;
    const work = createProvenanceWork({ started: (worker) => void (threads++ === 0 && worker.terminate()) });
    expect(await work.judge({ ...given, root: PACKAGED, bytes: BYTES }, client())).toEqual({
      result: 'refused',
      why: expect.stringContaining('cannot be read'),
    });
    expect(threads).toBe(2);
    await work.close();
  }, 60_000);

  it('believes no root that cannot be read', async () => {
    const work = createProvenanceWork();
    await expect(work.judge({ ...given, bytes: BYTES }, client())).rejects.toMatchObject({ reason: 'format' });
    await work.close();
  }, 60_000);
});
