import type { Caller } from '../../async/caller.ts';
import { mustBe } from '../../bytes/proof.ts';
import type { PageWork } from '../../ports/page-work.ts';
import { makePage, type Page } from '../../render/page.ts';
import { Believed, type Source } from '../believed.ts';
import type { Drawer, Drawing } from './drawing.ts';
import type { DrawnBodies } from './drawn-bodies.ts';

/** No rules have a say in it. */
const NO_POLICY = 'none';

/** Renders the list of all projects: compressed bodies alone, and nothing else is drawn of it. */
export class ListDrawer<P> implements Drawer<P, Page> {
  readonly #work: PageWork;
  readonly #drawn: DrawnBodies | undefined;

  constructor(work: PageWork, drawn: DrawnBodies | undefined) {
    this.#work = work;
    this.#drawn = drawn;
  }

  async draw(believed: Believed<P>, source: Source, caller: Caller): Promise<Drawing<P, Page>> {
    mustBe<Believed<unknown>>(Believed, believed);
    const page = makePage(await this.#work.drawList(await source.read(caller), caller));
    this.#drawn?.put(believed, source, NO_POLICY, page, () => '');
    return drawingOf(believed, page.at(source.serial));
  }

  async restore(believed: Believed<P>, source: Source): Promise<Drawing<P, Page> | undefined> {
    mustBe<Believed<unknown>>(Believed, believed);
    const found = await this.#drawn?.find(believed, source, NO_POLICY);
    return found && drawingOf(believed, found.page.at(source.serial));
  }

  isWhole(): boolean {
    return true;
  }

  lean(drawing: Drawing<P, Page>): Drawing<P, Page> {
    return drawing;
  }

  under(drawing: Drawing<P, Page>, believed: Believed<P>): Drawing<P, Page> {
    return { ...drawing, believed };
  }

  async again(drawing: Drawing<P, Page>, believed: Believed<P>): Promise<Drawing<P, Page>> {
    return this.under(drawing, believed);
  }

  isDue(): boolean {
    return false;
  }

  isOutdated(): boolean {
    return false;
  }

  async gone(): Promise<void> {
    // Nothing is counted of a list.
  }
}

function drawingOf<P>(believed: Believed<P>, view: Page): Drawing<P, Page> {
  return { believed, view, settled: true, until: undefined, policy: '', pins: undefined, weight: view.size };
}
