import type { Listing } from '../pypi/listing.ts';
import { type Bodies, bodiesOf, type Drawing, leanBodies } from './bodies.ts';
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

/** The bodies of a project page. */
export function renderPage(listing: Listing): Promise<Bodies> {
  return bodiesOf(drawPage(listing));
}

/** The bodies of the project list, lean. */
export async function renderList(names: readonly string[]): Promise<Bodies> {
  return leanBodies(await bodiesOf(drawList(names)));
}
