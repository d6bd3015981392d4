import { type Instant, untilText } from '../bytes/instant.ts';
import { type Content, html, type Markup } from './html.ts';
import { type Made, type Place, page } from './layout.ts';
import { makeShown, type Shown } from './shown.ts';
import {
  type AdvisoryView,
  advisoryList,
  type ProvenanceView,
  type PublishedView,
  publishedLine,
  publisherSection,
  type RuleView,
  rulesList,
} from './told.ts';
import { standingOf } from './trust.ts';

/** One that vouches for the next, from the pinned root down. */
export interface LinkView {
  readonly role: string;
  readonly version: number;
  readonly threshold: number;
  readonly keys: number;
  readonly online: boolean;
  readonly expires: Instant;
  /** The same in words, as `verbatim explain` says it. */
  readonly says: string;
}

export interface WhyView extends Made {
  readonly judged: Instant;
  readonly index: string;
  readonly name: string;
  readonly kind: 'project' | 'file';
  readonly project: string;
  readonly evidence: 'tuf' | 'index';
  readonly head: string;
  readonly carried: string | undefined;
  readonly chain: readonly LinkView[];
  readonly weaker: string;
  readonly forge: string;
  readonly facts: readonly string[];
  readonly besides: readonly string[];
  readonly rules: readonly RuleView[];
  /** Of a file; undefined of an index that has no place for it. */
  readonly published: PublishedView | undefined;
  readonly provenance: ProvenanceView | undefined;
  /** Undefined where no feed is in force. */
  readonly advisories: readonly AdvisoryView[] | undefined;
  /** By algorithm, of a file. */
  readonly digests: Readonly<Record<string, string>>;
  /** Its digest is pinned here, for good. */
  readonly pinned: boolean;
}

/** Why a file, or a project, is believed: the chain from what was pinned to its digest. */
export function whyPage(view: WhyView, place: Place & { readonly root: string }): Shown {
  const { name, head, carried, chain, weaker, forge, facts, besides, rules, advisories, project, index } = view;
  const words =
    chain.length === 0 ? '' : html`<h2>In words</h2><ol>${chain.map(({ says }) => html`<li>${says}</li>`)}</ol>`;
  const main = html`<h1>Why may ${name} be served?</h1>
<p class="lead">${head}${carried === undefined ? '' : ` ${carried}`}</p>
<p>Of the project <a href="../project/${project}/">${project}</a> in the index <a href="../">${index}</a>.</p>
${weaker === '' ? '' : html`<p>${weaker}</p>`}
<div class="index">${chainPicture(view)}<div><h2>To forge it</h2><p>${forge}</p></div></div>
${words}
${facts.length === 0 ? '' : html`<h2>What is known of it</h2><ul>${facts.map((fact) => html`<li>${fact}</li>`)}</ul>`}
${besides.map((each) => html`<p>${each}</p>`)}
${rules.length === 0 ? '' : html`<h2>Rules of this mirror</h2>${rulesList(rules)}`}
<h2>Known to be bad</h2>
${advisoryList(advisories)}
${publishedSection(view)}`;
  return makeShown(view, page({ title: `Why ${name} may be served - Verbatim`, place, main, made: view }));
}

function publishedSection({ published, provenance, kind }: WhyView): Content {
  if (provenance === undefined) return '';
  if (kind === 'project') return publisherSection(provenance);
  const words = provenance.releases.flatMap((each) => each.words);
  return html`<h2>Who published it</h2>
${published === undefined ? '' : html`<p>${publishedLine(published)}</p>`}
${words.map(({ word, says }) => html`<p>Its release is <b>${word}</b>: ${says}.</p>`)}
${provenance.remembered.map((each) => html`<p>${each}</p>`)}`;
}

const [WIDTH, HEIGHT, STEP] = [312, 66, 96];
/** Characters of a name in a box; whole in the words below. */
const MOST_DRAWN = 34;

function chainPicture({ chain, name, kind, digests, judged, evidence, pinned }: WhyView): Markup {
  const boxes: readonly Content[] = [
    ...(evidence === 'tuf'
      ? chain.map((link, at) => linkBox(link, at, judged))
      : [box(0, 'box', 'Upstream', ['says so over TLS; nobody signs', 'weaker than signatures'])]),
    ...(kind === 'file'
      ? [
          box(chain.length || 1, 'box', drawn(name), [
            digestText(digests),
            pinned ? 'pinned here for good' : 'not pinned here yet',
          ]),
        ]
      : [box(chain.length || 1, 'box', drawn(name), ['its page: length and digest', 'each file: digest on the page'])]),
  ];
  const height = boxes.length * STEP - (STEP - HEIGHT) + 4;
  const lines = boxes.slice(1).map((_, at) => `M158 ${at * STEP + HEIGHT + 2}v${STEP - HEIGHT}`);
  return html`<svg viewBox="0 0 316 ${height}" width="316" height="${height}" role="img" aria-labelledby="chain"><title id="chain">The chain from what was pinned to ${name}: ${boxes.length} steps, told in words on this page</title><path class="line" d="${lines.join('')}"/>${boxes}</svg>`;
}

function linkBox(link: LinkView, at: number, judged: Instant): Content {
  const { role, threshold, keys, online, expires } = link;
  const how = standingOf(link, judged);
  const who = keys === 1 ? 'its 1 key' : `${threshold} of its ${keys} keys`;
  const name = at === 0 ? `${role}, which you pinned` : role;
  return box(at, how === 'good' ? 'box' : `box is-${how}`, drawn(name), [
    `signed by ${who}`,
    `${online ? 'online' : 'not known to be online'}; ${expires > judged ? 'ends' : 'ended'} ${untilText(expires, judged)}`,
  ]);
}

function box(at: number, kind: string, name: string, [first, second]: readonly [string, string]): Content {
  return html`<g transform="translate(2 ${2 + at * STEP})"><rect class="${kind}" width="${WIDTH}" height="${HEIGHT}" rx="6"/><text class="name" x="14" y="22">${name}</text><text x="14" y="40">${first}</text><text class="note" x="14" y="56">${second}</text></g>`;
}

function drawn(name: string): string {
  const characters = [...name];
  return characters.length <= MOST_DRAWN ? name : `${characters.slice(0, MOST_DRAWN - 1).join('')}…`;
}

function digestText(digests: WhyView['digests']): string {
  const [[algorithm, hex] = ['no digest', '']] = Object.entries(digests);
  return hex === '' ? 'no digest is known yet' : `${algorithm} ${hex.slice(0, 20)}…`;
}
