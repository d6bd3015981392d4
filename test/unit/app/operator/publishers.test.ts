import { expect, it } from 'vitest';
import { PublishersRequest } from '../../../../src/app/control/requests.ts';
import { carriedPublishers, importPublishersIn, pinnedIn } from '../../../../src/app/operator/publishers.ts';
import { decodePins, pinsText } from '../../../../src/bundle/format/publishers.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { createIndexState } from '../../../../src/state/index-state.ts';
import { createMemoryState } from '../../../support/memory-state.ts';

// Whom files are expected from, as a file: what may be in it, and what becomes of it.

const MILL = { kind: 'GitHub', name: 'octo/mill', id: 'github 4711', workflow: 'release.yml' };
const project = { project: 'mill', publishers: [MILL] };
const request = { index: 'main', projects: [project], reason: 'why', dryRun: false };

const read = async (text: string) => decodePins(Buffer.from(text), 'pins.json');

it('a file says what was written into it', async () => {
  expect(await read(pinsText('main', [project]))).toEqual([project]);
});

it.each([
  ['another project twice', [project, project]],
  ['a name in another spelling', [{ ...project, project: 'Mill' }]],
  ['a name that is too long', [{ ...project, project: 'm'.repeat(201) }]],
  ['nobody', [{ ...project, publishers: [] }]],
  ['too many', [{ ...project, publishers: new Array(65).fill(MILL) }]],
  ['somebody without a name', [{ ...project, publishers: [{ ...MILL, name: '' }] }]],
  ['somebody whose name is too long', [{ ...project, publishers: [{ ...MILL, name: 'x'.repeat(501) }] }]],
])('a file with %s is none', async (_, projects) => {
  await expect(read(pinsText('main', projects))).rejects.toMatchObject({ reason: 'format' });
});

it('a file in another form is none', async () => {
  await expect(read('{')).rejects.toMatchObject({ reason: 'format' });
  await expect(read(pinsText('x'.repeat(101), [project]))).rejects.toMatchObject({ reason: 'format' });
});

it('a server takes so much at once, and a reason', () => {
  const takes = (given: object) => PublishersRequest.safeParse({ ...request, ...given }).success;
  expect(takes({})).toBe(true);
  expect([takes({ reason: '' }), takes({ reason: 'x'.repeat(1001) })]).toEqual([false, false]);
  expect([
    takes({ projects: new Array(100).fill(project) }),
    takes({ projects: new Array(101).fill(project) }),
  ]).toEqual([true, false]);
});

it('who is known is neither replaced nor joined by another, and an import that says the same changes nothing', async () => {
  const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
  await state.facts.change(() => ({ evidence: 'index', createdAt: 1, audit: [] }));
  const noted: string[] = [];
  const place = {
    config: loadConfig({ env: {} }),
    state: async () => state,
    now: () => 100,
    journal: {
      note: ({ after }: { after?: string | undefined }) => void noted.push(after ?? ''),
      flush: async () => undefined,
    },
  };
  const imported = async (publishers: (typeof MILL)[], dryRun = false) =>
    (await importPublishersIn(place, { ...request, dryRun, projects: [{ project: 'mill', publishers }] })).map(
      ({ result }) => result,
    );
  const known = async () => (await state.provenance('mill').read())?.value;
  expect(await imported([MILL], true)).toEqual(['new']);
  expect(await known()).toBeUndefined();
  expect(await imported([MILL])).toEqual(['new']);
  expect(await known()).toMatchObject({ since: 99, publishers: [{ ...MILL, since: 100, by: 'operator' }] });
  expect(await imported([MILL])).toEqual(['same']);
  const before = await known();
  for (const other of [
    { ...MILL, id: 'github 666' },
    { ...MILL, workflow: 'other.yml' },
    { ...MILL, environment: 'x' },
  ])
    for (const all of [[other], [MILL, other]]) expect(await imported(all)).toEqual(['conflict']);
  // Another name of the same repository is nobody else.
  expect(await imported([{ ...MILL, name: 'renamed/mill' }])).toEqual(['same']);
  expect(await known()).toEqual(before);
  expect(await pinnedIn(state, undefined)).toEqual([
    { project: 'mill', publishers: [{ ...MILL, environment: undefined }] },
  ]);
  expect(await pinnedIn(state, 'other')).toEqual([]);
  expect(noted).toEqual(['GitHub octo/mill release.yml']);
  expect((await state.facts.read())?.value.audit.map(({ action }) => action)).toEqual(['provenance --import, mill']);
});

it('what a bundle says is taken as if it had been seen first here, and who is known stays and is told', async () => {
  const state = createIndexState({ storage: createMemoryState().party(), index: 'main' });
  const noted: unknown[] = [];
  const place = {
    config: loadConfig({ env: {} }),
    state: async () => state,
    now: () => 100,
    journal: { note: (entry: unknown) => void noted.push(entry), flush: async () => undefined },
  };
  const taken = async (publisher: typeof MILL) =>
    (await carriedPublishers(place, 'main').take([{ project: 'mill', publishers: [publisher] }], 'outside'))[0]?.result;
  const known = async () => (await state.provenance('mill').read())?.value;
  expect(await taken(MILL)).toBe('new');
  const before = await known();
  // Files that are listed by now are held to nothing.
  expect(before).toMatchObject({ since: 100, publishers: [{ ...MILL, since: 100, by: 'first-sight' }] });
  expect(await taken(MILL)).toBe('same');
  expect(noted).toEqual([]);
  expect(await taken({ ...MILL, name: 'evil/mill', id: 'github 666' })).toBe('conflict');
  expect(await known()).toEqual(before);
  expect(noted).toEqual([
    {
      at: 100,
      index: 'main',
      project: 'mill',
      kind: 'refused',
      before: 'GitHub octo/mill release.yml',
      after: 'GitHub evil/mill release.yml',
      reason: 'who publishes it, by a bundle that outside signed',
    },
  ]);
});
