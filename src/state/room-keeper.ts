import { type Caller, internalCaller } from '../async/caller.ts';
import { sha256Hex } from '../bytes/digest.ts';
import { Refusal } from '../bytes/refusal.ts';
import type { Emit } from '../ports/events.ts';
import { type IndexState, type Known, type PageState, type Pin, Superseded } from '../ports/index-state.ts';
import type { PageWork } from '../ports/page-work.ts';
import {
  FULL_FROM,
  type OldItem,
  ROOMY_BELOW,
  type RoomKeeper,
  type StateRoom,
  type StateUsage,
} from '../ports/state-room.ts';

export interface RoomKeeperOptions {
  readonly room: Pick<StateRoom, 'usage' | 'oldestPages'>;
  /** Of its own: what passes through its memory is what nobody uses. */
  readonly state: Pick<IndexState, 'index' | 'page' | 'pins'>;
  readonly work: Pick<PageWork, 'condense'>;
  readonly emit: Emit;
}

type Room = 'ample' | 'crowded' | 'full';
type Answer = (isRoomy: boolean) => void;

/**
 * Makes room in the state of an index: the page that was used longest ago is let go first, and those of projects of which a client was
 * sent a file or its metadata only when no others are left, so that asking for many names takes nothing from those that are in use.
 * What the next page is held to stays, and so does every pin.
 */
export class StateRoomKeeper implements RoomKeeper {
  readonly #options: RoomKeeperOptions;
  /** Of each pass, how far it has come: what lies behind was let go, or is left to the next. */
  readonly #passed = { unused: 0, all: 0 };
  /** Whom this run answers, and whom the next one: those may speak of pages that this one has passed. */
  #asked: Answer[] = [];
  #waiting: Answer[] = [];
  #running: Promise<void> | undefined;
  #closed = false;
  #told: Room = 'ample';

  constructor(options: RoomKeeperOptions) {
    this.#options = options;
  }

  makeRoom(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    const answer = new Promise<boolean>((resolve) => void this.#waiting.push(resolve));
    this.#running ??= this.#runForAll().finally(() => {
      this.#running = undefined;
    });
    return answer;
  }

  /** Ends what is under way, after the pages at hand. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #runForAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#asked = this.#waiting.splice(0);
      await this.#run().catch((error: unknown) => this.#options.emit({ name: 'faulted', at: 'store', error }));
      for (const answer of this.#asked.splice(0)) answer(false);
    }
  }

  async #run(): Promise<void> {
    const { room, state } = this.#options;
    for (const pass of ['unused', 'all'] as const)
      for (;;) {
        const usage = await room.usage(state.index);
        if (this.#isRoomy(usage) || this.#closed) return;
        if (usage.contents.pages.entries === 0) break;
        const { items, next, isEnd } = await room.oldestPages(state.index, this.#passed[pass]);
        await this.#letGo(items, pass);
        this.#passed[pass] = next;
        if (isEnd) break;
      }
    const usage = await room.usage(state.index);
    if (!this.#isRoomy(usage) && isFull(usage)) this.#tell('full', usage);
  }

  /** True where there is nothing to do; whoever waits is told as soon as there is room for it. */
  #isRoomy(usage: StateUsage): boolean {
    const isRoomy = usage.bytes < usage.limit * ROOMY_BELOW;
    if (isRoomy) this.#tell('ample', usage);
    else if (this.#told === 'ample') this.#tell('crowded', usage);
    if (!isFull(usage)) for (const answer of [...this.#asked.splice(0), ...this.#waiting.splice(0)]) answer(true);
    return isRoomy;
  }

  #tell(room: Room, { bytes, limit }: StateUsage): void {
    if (this.#told === room) return;
    this.#told = room;
    this.#options.emit({ name: 'stateRoom', index: this.#options.state.index, room, bytes, limit });
  }

  /** At once: their transactions become one. */
  async #letGo(items: readonly OldItem[], pass: 'unused' | 'all'): Promise<void> {
    await Promise.all(
      items.map(async (item) => {
        const isGone = await this.#letOneGo(item, pass).catch(skipped);
        const project = item.item.at(-1) ?? '';
        if (isGone) this.#options.emit({ name: 'letGo', index: this.#options.state.index, project });
      }),
    );
  }

  async #letOneGo({ item, version }: OldItem, pass: 'unused' | 'all'): Promise<boolean> {
    const { state, work } = this.#options;
    const project = item.at(-1) ?? '';
    const known = await state.page(project).read();
    if (known?.version !== version) return false;
    const pins = (await state.pins(project).read())?.value;
    if (pass === 'unused' && isUsed(known, pins)) return false;
    const left = await leftOf(known.value, work, internalCaller(state.index, 'room'));
    const prepared = await state.page(project).prepare((was) => (was?.version === version ? left : undefined));
    if (prepared === undefined) return false;
    const { write } = prepared;
    if (pins === undefined) return state.page(project).make(write);
    // The pins are written anew behind it, so that what lay beside the page is given back whole.
    const page = { write, saved() {}, save: async () => undefined, superseded: new Superseded(project) };
    return (await state.pins(project).change((was) => was && new Map(was.value), page)) !== undefined;
  }
}

/** What is left of a page; undefined where nothing less would hold the next one to the same. */
async function leftOf(
  { page, gone }: PageState,
  work: RoomKeeperOptions['work'],
  caller: Caller,
): Promise<PageState | undefined> {
  // From before there was a compact form of it.
  if (gone !== undefined) return { gone };
  if (page.letGo !== undefined) return undefined;
  const { project, bytes } = page;
  const left = await work.condense(project, bytes, caller);
  return left && { page: { ...page, bytes: left, letGo: { sha256: sha256Hex(bytes), size: bytes.byteLength } } };
}

function isFull({ bytes, limit }: StateUsage): boolean {
  return bytes >= limit * FULL_FROM;
}

/** A pin is confirmed by what a client was sent. Where nothing is pinned, a page that was written again was asked for again. */
function isUsed({ version }: Known<PageState>, pins: ReadonlyMap<string, Pin> | undefined): boolean {
  if (pins === undefined || pins.size === 0) return version > 1;
  for (const { provisional } of pins.values()) if (provisional !== true) return true;
  return false;
}

/** What is damaged, or cannot be read as a page, stays as it is; anything else ends the pass before it is behind. */
function skipped(error: unknown): boolean {
  if (error instanceof Superseded) return false;
  if (!(error instanceof Refusal) || error.transient || error.reason === 'limit') throw error;
  return false;
}
