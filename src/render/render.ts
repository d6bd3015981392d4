import type { Listing } from '../pypi/listing.ts';
import { type Bodies, bodiesOf, type Drawing, Page } from './page.ts';
import { renderListHtml, renderPageHtml } from './render-html.ts';
import { renderListJson, renderPageJson } from './render-json.ts';

/** A listing in both forms, before compression: plain bytes, for whoever draws in a worker. */
export function drawPage(listing: Listing): Drawing {
  return { json: renderPageJson(listing), html: renderPageHtml(listing) };
}

/** The project list in both forms, before compression. */
export function drawList(names: readonly string[]): Drawing {
  return { json: renderListJson(names), html: renderListHtml(names) };
}

/** A page of bodies that were made elsewhere. */
export function pageOf(bodies: Bodies): Page {
  return Page.of(bodies);
}

/** A project page as it is served. */
export async function renderPage(listing: Listing): Promise<Page> {
  return pageOf(await bodiesOf(drawPage(listing)));
}

/** The project list as it is served. */
export async function renderList(names: readonly string[]): Promise<Page> {
  return pageOf(await bodiesOf(drawList(names)));
}
