import type { Caller } from '../../async/caller.ts';
import { mustBe } from '../../bytes/proof.ts';
import type { PageWork } from '../../ports/page-work.ts';
import { makePage, type Page } from '../../render/page.ts';
import { Believed, type Source } from '../believed.ts';
import type { Drawer, Drawing } from './drawing.ts';

/** Renders the list of all projects, which is always whole. */
export class ListDrawer<P> implements Drawer<P, Page> {
  readonly #work: PageWork;

  constructor(work: PageWork) {
    this.#work = work;
  }

  async draw(believed: Believed<P>, source: Source, caller: Caller): Promise<Drawing<P, Page>> {
    mustBe<Believed<unknown>>(Believed, believed);
    const view = makePage(await this.#work.drawList(await source.read(caller), caller)).at(source.serial);
    return { believed, view, settled: true, until: undefined, policy: '', pins: undefined, weight: view.size };
  }

  async restore(): Promise<undefined> {
    return undefined;
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

  gone(): void {
    // Nothing is counted of a list.
  }
}
