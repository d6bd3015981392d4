import { type Drawing, Page } from './page.ts';
import type { Listing } from './relink.ts';
import { renderListHtml, renderPageHtml } from './render-html.ts';
import { renderListJson, renderPageJson } from './render-json.ts';

/** A listing in both forms, before compression: plain bytes, for whoever draws in a worker. */
export function drawPage(listing: Listing): Drawing {
  return { json: renderPageJson(listing), html: renderPageHtml(listing) };
}

/** A project page as it is served. */
export function renderPage(listing: Listing): Promise<Page> {
  return Page.render(drawPage(listing));
}

/** The project list as it is served. */
export function renderList(names: readonly string[]): Promise<Page> {
  return Page.render({ json: renderListJson(names), html: renderListHtml(names) });
}
